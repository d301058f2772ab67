/** WebSocket close codes of CC-Docker (4000–4999 is the range RFC 6455 leaves to applications). */
export const CloseCode = {
  /** The frame was not what the protocol allows; the reason says how. */
  badFrame: 4400,
  /** The token is missing, wrong or expired. */
  unauthorized: 4401,
  /** No such session, or it was deleted. */
  notFound: 4404,
  /** A viewer did not read what it was sent: come back with `?after=` the last `seq` that you have. */
  tooSlow: 4408,
  /** Another connection has taken this one's place. */
  replaced: 4409,
  /** This epoch is over, for good: do not come back. */
  staleEpoch: 4410,
  /** A frame was larger than allowed. */
  tooLarge: 4413,
} as const;
