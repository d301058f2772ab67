/** WebSocket close codes of CC-Docker. RFC 6455 leaves the range 4000–4999 to applications. */
export const CloseCode = {
  /** A frame broke the protocol; the reason says how. */
  badFrame: 4400,
  /** The token is missing, wrong or expired. */
  unauthorized: 4401,
  /** It may not be here; the reason says why. */
  forbidden: 4403,
  /** No such session, or it was deleted. */
  notFound: 4404,
  /** A viewer did not read fast enough: reconnect with `?after=` and the last `seq` that you have. */
  tooSlow: 4408,
  /** Another connection has replaced this one. */
  replaced: 4409,
  /** This epoch is over: do not reconnect. */
  staleEpoch: 4410,
  /** A frame was larger than allowed. */
  tooLarge: 4413,
  /** Too many frames came; the reason names the setting. */
  tooMany: 4429,
} as const;
