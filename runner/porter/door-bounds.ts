/** How much whoever comes to the door may cause. The operator's settings `PORTER_MAX_…` (docs/bounds.md). */
export interface DoorBounds {
  /** Connections whose caller has not said who it is. */
  callers: number;
  /** The same of one address. */
  callersPerAddress: number;
  /** From a connection until its caller is known, milliseconds. */
  arrivalMs: number;
  /** Connections to a session's sockets that its porter may have at a time. */
  streams: number;
}

export const DOOR_BOUNDS: DoorBounds = { callers: 256, callersPerAddress: 32, arrivalMs: 10_000, streams: 512 };
