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
  /** The way to the container broke: come back with what you have. */
  cameApart: 4412,
  /** A frame was larger than allowed. */
  tooLarge: 4413,
  /** Too many frames came; the reason names the setting. */
  tooMany: 4429,
} as const;

/**
 * The code by which an edge closes a viewer's socket when the session's own socket closed with `code`. Runtimes outside of workerd
 * may send 1000 and 3000–4999 alone (WHATWG, WebSocket: `close()`), so that WebSocket's own 1001 becomes 4501, 1011 4511, and so
 * on: come back with your cursor.
 */
export function passableCloseCode(code: number): number {
  if (code === 1000 || (code >= 3000 && code <= 4999)) return code;
  // 1005: it was closed without a code, as `close()` does.
  if (code === 1005) return 1000;
  return code > 1000 && code < 1100 ? 3500 + code : 4506;
}
