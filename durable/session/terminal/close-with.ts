import type { TerminalAnswer } from '../../../protocol/api/session/terminal.ts';
import { CloseCode } from '../../../protocol/close-code.ts';

/** What the end means for whoever might come back. Any other: come back with your position. */
const CLOSE_CODES: Readonly<Record<string, number>> = {
  replaced: CloseCode.replaced,
  token_expired: CloseCode.unauthorized,
  token_revoked: CloseCode.unauthorized,
  command_missing: CloseCode.badFrame,
  too_much_input: CloseCode.tooMany,
  too_slow: CloseCode.tooSlow,
  session_not_found: CloseCode.notFound,
  terminal_not_found: CloseCode.notFound,
  terminal_off: CloseCode.forbidden,
  terminal_limit_reached: CloseCode.forbidden,
  terminal_unavailable: CloseCode.forbidden,
  runner_outdated: CloseCode.forbidden,
  container_outdated: CloseCode.forbidden,
};

/**
 * Says why a viewer's connection is over, and closes it. A frame says it too: some clients see how a WebSocket was closed only once
 * TCP is closed as well, and browsers never see why one was not opened.
 */
export function closeWith(socket: WebSocket, code: string, detail: string): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ type: 'error', code, detail } satisfies TerminalAnswer));
  socket.close(CLOSE_CODES[code] ?? CloseCode.cameApart, clipped(detail));
}

/** At most 123 bytes in a close frame (RFC 6455). */
function clipped(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  return bytes.length <= 123 ? reason : new TextDecoder().decode(bytes.subarray(0, 120), { stream: true });
}
