import { once } from 'node:events';
import http2 from 'node:http2';
import { expect, onTestFinished, test } from 'vitest';
import { answerFileRequests } from '../../../porter/file-requests.ts';
import { scratch } from '../../support/scratch.ts';
import { keptLog } from '../../support/quiet-log.ts';

test('a connection that breaks ends the requests for files, and not the porter', async () => {
  const server = http2.createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') expect.fail('a server without a port');
  const session = http2.connect(`http://127.0.0.1:${address.port}`);
  session.on('error', () => {});
  await once(session, 'connect');
  const { promise: open, resolve } = Promise.withResolvers<void>();
  const line = {
    stream: (path: string) => {
      const stream = session.request({ ':method': 'POST', ':path': path }, { endStream: false });
      stream.once('response', () => resolve());
      return stream;
    },
  };
  const ended = answerFileRequests({ line, workspace: scratch(), user: { uid: 1000, gid: 1000 }, log: keptLog().log });
  await open;
  session.destroy(new Error('read ECONNRESET'));
  await expect(ended).resolves.toBeUndefined();
});
