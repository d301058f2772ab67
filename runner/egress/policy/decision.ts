/** One connection's fate: said when it is decided, and for an allowed one again when it has ended. */
export interface Decision {
  /** Canonical; for a target that could not be read, what was written, shortened and escaped. */
  host: string;
  /** 0: could not be read. */
  port: number;
  verdict: 'allowed' | 'refused';
  /** The session's rule that allowed it, or why there was none: for people. */
  rule: string;
  /** Out of the container, bytes. 0 as long as it is open. */
  bytesSent: number;
  /** Into the container, bytes. 0 as long as it is open. */
  bytesReceived: number;
  phase: 'opened' | 'closed';
}
