import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { messageOf } from '../../lib/log.ts';
import { answer, failureText } from './answer.ts';
import { openUpstream, relayReply, secretFormsOf, type Connection } from './forward.ts';
import { maskText } from '../../lib/mask.ts';

/** The client's side of a WebSocket handshake. */
interface Upgrade {
  socket: Duplex;
  /** Bytes that were read after the request. */
  head: Buffer;
  /** For a response that does not upgrade. */
  response: ServerResponse;
}

/** Forwards a WebSocket handshake with the credentials, then passes all bytes through unchanged. */
export function forwardUpgrade(
  request: IncomingMessage,
  { socket, head, response }: Upgrade,
  connection: Connection,
): void {
  const { target, log } = connection;
  const upstream = openUpstream(request, connection, ['Connection', 'Upgrade', 'Upgrade', 'websocket']);
  const brokenOff = (error: unknown): void => {
    log.debug('upgraded connection broken off', { host: target.host, port: target.port, why: messageOf(error) });
    socket.destroy();
  };
  upstream.once('upgrade', (reply, server: Duplex, serverHead) => {
    response.detachSocket(request.socket);
    socket.write(upgradeHead(reply, secretFormsOf(connection.credentials)));
    if (serverHead.length > 0) socket.write(serverHead);
    if (head.length > 0) server.write(head);
    server.on('error', brokenOff);
    // Let the server's last bytes go out before the client's side closes.
    server.once('close', () => socket.end());
    socket.once('close', () => server.destroy());
    socket.pipe(server).pipe(socket);
  });
  upstream.once('response', (reply) => {
    relayReply(reply, response, connection).catch(brokenOff);
  });
  upstream.on('error', (error) => {
    if (response.headersSent || socket.destroyed) return;
    answer(response, 502, failureText(target, error));
  });
  socket.once('close', () => upstream.destroy());
  upstream.end();
}

function upgradeHead(reply: IncomingMessage, secretForms: readonly string[]): Buffer {
  const lines = [`HTTP/1.1 101 ${reply.statusMessage ?? ''}`];
  for (let index = 0; index + 1 < reply.rawHeaders.length; index += 2)
    lines.push(`${reply.rawHeaders[index] ?? ''}: ${reply.rawHeaders[index + 1] ?? ''}`);
  return Buffer.from(maskText(`${lines.join('\r\n')}\r\n\r\n`, secretForms), 'latin1');
}
