/** A decision on one connection. An allowed one is reported twice: when it opens and when it has closed. */
export interface Decision {
  /** Canonical. For a malformed target: what the client wrote, shortened and escaped. */
  host: string;
  /** 0: the target is malformed. */
  port: number;
  verdict: 'allowed' | 'refused';
  /** For people: the session's rule that allowed it, or why it was refused. */
  rule: string;
  /** Bytes out of the container; 0 while the connection is open. */
  bytesSent: number;
  /** Bytes into the container; 0 while the connection is open. */
  bytesReceived: number;
  phase: 'opened' | 'closed';
}
