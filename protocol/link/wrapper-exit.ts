/** Exit codes of the wrapper, and so of its container: all that a runner can tell by without a word from inside. */
export const WrapperExit = {
  /** Over, as its notices tell. */
  done: 0,
  /** It could not start, or ended by an error of its own. */
  failed: 1,
  /** Processes could not be started any more: the container's limit of them was reached. */
  outOfPids: 70,
  /** A guarantee of the seal does not hold: nothing was started. */
  sealBroken: 71,
} as const;
export type WrapperExit = (typeof WrapperExit)[keyof typeof WrapperExit];
