/** Exit codes of the wrapper, and so of its container: the runner sees them even when no notice arrives. */
export const WrapperExit = {
  /** It has ended; its notices say how. */
  done: 0,
  /** It could not start, or an error of its own ended it. */
  failed: 1,
  /** The container reached its limit of processes and could start no more. */
  outOfPids: 70,
  /** A guarantee of the seal does not hold, so nothing was started. */
  sealBroken: 71,
} as const;
export type WrapperExit = (typeof WrapperExit)[keyof typeof WrapperExit];
