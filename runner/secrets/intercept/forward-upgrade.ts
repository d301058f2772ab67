import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { messageOf } from '../../lib/log.ts';
import { answer, failureText } from './answer.ts';
import { openUpstream, relayReply, telltalesOf, type Connection } from './forward.ts';
import { maskText } from '../../lib/mask.ts';

/** The client's side of a connection that wants to become a WebSocket. */
interface Upgrade {
  socket: Duplex;
  /** What was read past the request. */
  head: Buffer;
  /** For an answer that is not the upgrade. */
  response: ServerResponse;
}

/** Passes a WebSocket's handshake on with the credentials in it, and then every byte as it is. */
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
    socket.write(upgradeHead(reply, telltalesOf(connection.credentials)));
    if (serverHead.length > 0) socket.write(serverHead);
    if (head.length > 0) server.write(head);
    server.on('error', brokenOff);
    // A server's last bytes still go out before the client's side closes.
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

function upgradeHead(reply: IncomingMessage, telltales: readonly string[]): Buffer {
  const lines = [`HTTP/1.1 101 ${reply.statusMessage ?? ''}`];
  for (let index = 0; index + 1 < reply.rawHeaders.length; index += 2)
    lines.push(`${reply.rawHeaders[index] ?? ''}: ${reply.rawHeaders[index + 1] ?? ''}`);
  return Buffer.from(maskText(`${lines.join('\r\n')}\r\n\r\n`, telltales), 'latin1');
}
