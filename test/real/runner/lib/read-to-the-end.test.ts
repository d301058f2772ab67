import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readToTheEnd } from '../../../../runner/lib/streams/read-to-the-end.ts';
import { scratch } from '../../../support/scratch.ts';
import { until } from '../../../support/until.ts';

/** Not a multiple of what Node reads at once: the last piece leaves room in the buffer, so Node reads on and finds the reset. */
const LENGTH = 3_000_000;

test('all that a process wrote before it was killed is read, by a slow reader too, though it has read nothing itself', async () => {
  const file = path.join(scratch(), 'socket');
  let heard = 0;
  let ended = false;
  const accepted = Promise.withResolvers<Socket>();
  const server = net.createServer((socket) => {
    readToTheEnd(socket);
    socket.on('data', (chunk) => {
      heard += chunk.length;
      socket.write('ack\n');
      // As one is that has to wait until the bytes have gone on.
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    });
    socket.once('end', () => (ended = true));
    accepted.resolve(socket);
  });
  server.listen(file);
  await once(server, 'listening');
  const writer = net.connect(file);
  // What is sent to it waits in its socket: its end resets the connection.
  writer.pause();
  const socket = await accepted.promise;
  writer.write(Buffer.alloc(LENGTH), () => writer.destroy());
  await until(() => expect(socket.destroyed).toBe(true));
  expect({ heard, ended }).toEqual({ heard: LENGTH, ended: true });
  server.close();
});
