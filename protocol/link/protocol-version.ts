/**
 * The version of what edge, runner and wrapper say to each other: on the control socket, the data sockets and the link. An addition that
 * an end of the version before can ignore (a new field, a new kind of frame that needs no answer) leaves it as it is. It is raised when
 * one end has to know what the other understands: then that end looks at the other's version before it relies on something.
 *
 * 1: until 0.1; nobody says it. An end of it closes the connection when it gets a frame that it does not know.
 * 2: unknown frames and fields are counted and ignored; `drain`.
 */
export const PROTOCOL = 2;

/** What an end that says no version speaks. */
export const FIRST_PROTOCOL = 1;

/** Whether ends of these versions work together: one version apart at most, so that they can be upgraded one after the other. */
export const worksWith = (other: number): boolean => Math.abs(other - PROTOCOL) <= 1;

/**
 * Why a runner and an edge do not work together, and what to upgrade. At most 120 bytes, so that it fits the reason of a close frame.
 */
export function tooFarApart(ends: { readonly runner: number; readonly edge: number }): string {
  const [older, newer] = ends.runner < ends.edge ? (['runner', 'edge'] as const) : (['edge', 'runner'] as const);
  return `upgrade the ${older}: it speaks protocol ${ends[older]}, the ${newer} ${ends[newer]}; one apart works`;
}
