import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import {
  runnerTransferFrame,
  TRANSFER_CHUNK,
  TRANSFER_WINDOW,
  type EdgeTransferFrame,
  type RunnerTransferFrame,
} from '../../../../protocol/api/files/files.ts';
import { streamed, type FilesAnswer } from '../../../../runner/files/answer.ts';
import { FilesRefused } from '../../../../runner/files/paths/refused.ts';
import { answerTransfer } from '../../../../runner/session-files/transfers/transfer-socket.ts';
import { Changes } from '../../../support/changes.ts';
import { keptLog } from '../../../support/quiet-log.ts';

/** The edge's end of transfers: a server that says only what a test wants. */
async function edge() {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const changes = new Changes();
  const frames: RunnerTransferFrame[] = [];
  const chunks: Buffer[] = [];
  const state: { socket: WebSocket | undefined; request: IncomingMessage | undefined; closed: number | undefined } = {
    socket: undefined,
    request: undefined,
    closed: undefined,
  };
  sockets.on('connection', (socket, request) => {
    Object.assign(state, { socket, request });
    socket.on('message', (data: Buffer, binary) => {
      if (binary) chunks.push(data);
      else frames.push(runnerTransferFrame.parse(JSON.parse(data.toString())));
      changes.notify();
    });
    socket.on('close', (code) => {
      state.closed = code;
      changes.notify();
    });
    changes.notify();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/runner/sessions/s/transfers/t`;
  const socket = async () => await changes.until(() => state.socket);
  return {
    url,
    state,
    frames,
    chunks,
    received: () => chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    until: async <T>(condition: () => T | undefined | false) =>
      await changes.until(() => {
        const found = condition();
        return found === false ? undefined : found;
      }),
    socket,
    say: async (frame: EdgeTransferFrame) => (await socket()).send(JSON.stringify(frame)),
    give: async (bytes: Buffer) => {
      for (let at = 0; at < bytes.length; at += TRANSFER_CHUNK)
        (await socket()).send(bytes.subarray(at, at + TRANSFER_CHUNK));
    },
  };
}

async function transfer(answer: (body: AsyncIterable<Uint8Array>) => Promise<FilesAnswer>) {
  const end = await edge();
  const { log, lines } = keptLog();
  const over = answerTransfer({ url: end.url, token: 'the-token', answer, log }).then(() => 'over');
  return { ...end, lines, over };
}

const chunk = (size: number) => Buffer.alloc(size, 'abcdefg');
const kinds = (frames: RunnerTransferFrame[]) => frames.map(({ kind }) => kind);

test('an answer is its head, its bytes, the end; then the runner closes', async () => {
  const head = { type: 'text/plain', size: 3, range: null, modified_at: null, etag: '"e"' };
  const { over, frames, chunks, state, until } = await transfer(async () => {
    return await Promise.resolve({ ok: true, head, body: bytes(Buffer.from('abc')) });
  });
  expect(await over).toBe('over');
  await until(() => state.closed);
  expect(frames).toEqual([{ kind: 'head', ...head }, { kind: 'end' }]);
  expect(Buffer.concat(chunks).toString()).toBe('abc');
  expect(state.closed).toBe(1000);
  expect(state.request?.headers.authorization).toBe('Bearer the-token');
});

test('no more is sent than was granted, and no message is larger than a chunk', async () => {
  const total = TRANSFER_WINDOW * 2 + 12_345;
  let made = 0;
  const { over, frames, chunks, received, until, say } = await transfer(async () => {
    const body = (async function* () {
      while (made < total) {
        const size = Math.min(1_000_000, total - made);
        made += size;
        yield await Promise.resolve(chunk(size));
      }
    })();
    return await Promise.resolve(streamed('x', body));
  });
  await until(() => received() === TRANSFER_WINDOW);
  expect(made).toBeLessThan(TRANSFER_WINDOW + 1_000_001);
  await say({ kind: 'credit', bytes: 1 });
  await until(() => received() === TRANSFER_WINDOW + 1);
  await say({ kind: 'credit', bytes: TRANSFER_WINDOW });
  await until(() => received() === TRANSFER_WINDOW * 2 + 1);
  expect(kinds(frames)).toEqual(['head']);
  await say({ kind: 'credit', bytes: TRANSFER_WINDOW });
  await over;
  await until(() => kinds(frames).includes('end'));
  expect(received()).toBe(total);
  expect(Math.max(...chunks.map(({ length }) => length))).toBe(TRANSFER_CHUNK);
});

test('a body is granted anew as it is read, not before, and its end is seen', async () => {
  const taking = Promise.withResolvers<void>();
  let read = 0;
  const { over, frames, until, give, say } = await transfer(async (body) => {
    await taking.promise;
    for await (const part of body) read += part.length;
    return streamed('x', bytes(Buffer.from(String(read))));
  });
  const credits = () => frames.reduce((sum, frame) => sum + (frame.kind === 'credit' ? frame.bytes : 0), 0);
  await give(chunk(TRANSFER_WINDOW));
  expect(credits()).toBe(0);
  taking.resolve();
  await until(() => credits() === TRANSFER_WINDOW);
  await give(chunk(TRANSFER_WINDOW));
  await until(() => credits() === 2 * TRANSFER_WINDOW);
  await give(chunk(5));
  await say({ kind: 'end' });
  await over;
  expect(read).toBe(2 * TRANSFER_WINDOW + 5);
  await until(() => kinds(frames).includes('end'));
});

test('an edge that sends more than it was granted is closed with bad_frame', async () => {
  const { over, give, state, until } = await transfer(async (body) => {
    await until(() => state.closed);
    for await (const part of body) expect(part.length).toBeGreaterThan(0);
    throw new Error('a body that is never whole must not end');
  });
  await give(chunk(TRANSFER_WINDOW + 1));
  expect(await until(() => state.closed)).toBe(4400);
  expect(await over).toBe('over');
});

test('what is no frame is closed with bad_frame', async () => {
  const { over, socket, until, state } = await transfer(async (body) => {
    for await (const part of body) expect(part.length).toBe(0);
    return streamed('x', bytes());
  });
  (await socket()).send('{"kind":"surprise"}');
  expect(await until(() => state.closed)).toBe(4400);
  expect(await over).toBe('over');
});

test('a refusal goes in place of a head', async () => {
  const refusal = { code: 'file_not_found', detail: '"x" is not there.' } as const;
  const { over, frames, until, state } = await transfer(async () => await Promise.resolve({ ok: false, refusal }));
  await over;
  await until(() => state.closed);
  expect(frames).toEqual([{ kind: 'refused', refusal }]);
});

test('what cannot be had any more is refused after the head, in place of the end', async () => {
  const { over, frames, received, until, state } = await transfer(async () => {
    const body = (async function* () {
      yield await Promise.resolve(Buffer.from('half'));
      throw new FilesRefused('storage_unavailable', 'The storage went away.');
    })();
    return await Promise.resolve(streamed('x', body));
  });
  await over;
  await until(() => state.closed);
  expect(kinds(frames)).toEqual(['head', 'refused']);
  expect(frames[1]).toMatchObject({ refusal: { code: 'storage_unavailable' } });
  expect(received()).toBe(4);
});

test('a fault of the runner is not told to the client, but to its log', async () => {
  const { over, frames, until, state, lines } = await transfer(async () => {
    throw await Promise.resolve(new Error('EIO: /home/operator/private'));
  });
  await over;
  await until(() => state.closed);
  expect(frames).toMatchObject([{ kind: 'refused', refusal: { code: 'files_unavailable' } }]);
  expect(JSON.stringify(frames)).not.toContain('private');
  expect(lines.join('')).toContain('private');
});

test.each(['closes', 'vanishes'])(
  'when the edge %s, the answer is let go of, also while it waits for credit',
  async (how) => {
    let released = false;
    const { over, received, until, socket } = await transfer(async () => {
      const body = (async function* () {
        try {
          for (;;) yield await Promise.resolve(chunk(TRANSFER_CHUNK));
        } finally {
          released = true;
        }
      })();
      return await Promise.resolve(streamed('x', body));
    });
    await until(() => received() === TRANSFER_WINDOW);
    if (how === 'closes') (await socket()).close(1000);
    else (await socket()).terminate();
    expect(await over).toBe('over');
    expect(released).toBe(true);
  },
);

test('when the edge closes before the body’s end, the body throws: nothing is taken for whole', async () => {
  const outcome = Promise.withResolvers<string>();
  const { over, socket, give } = await transfer(async (body) => {
    try {
      for await (const part of body) expect(part.length).toBe(10);
      outcome.resolve('whole');
    } catch (error) {
      outcome.resolve('broken');
      throw error;
    }
    return streamed('x', bytes());
  });
  await give(chunk(10));
  (await socket()).close(1000);
  expect(await outcome.promise).toBe('broken');
  expect(await over).toBe('over');
});

test('an edge that does not answer pings any more is given up', async () => {
  const end = await edge();
  const { log } = keptLog();
  const endless = (async function* () {
    for (;;) yield await Promise.resolve(chunk(TRANSFER_CHUNK));
  })();
  const answer = async () => await Promise.resolve(streamed('x', endless));
  const over = answerTransfer({ url: end.url, token: 't', answer, log, heartbeatMs: 20 });
  (await end.socket()).pause();
  await over;
});

test('an edge that is not there, or refuses, ends it', async () => {
  const { log, lines } = keptLog();
  await answerTransfer({ url: 'http://127.0.0.1:9/x', token: 't', answer: neverAsked, log });
  const server = createServer((_request, response) => {
    response.writeHead(404, { 'content-type': 'application/problem+json' }).end('{"detail":"no such transfer"}');
  });
  server.on('upgrade', (_request, socket) =>
    socket.end('HTTP/1.1 404 Not Found\r\ncontent-type: application/problem+json\r\n\r\n{"detail":"no such transfer"}'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await answerTransfer({ url, token: 't', answer: neverAsked, log });
  expect(lines.join('')).toContain('no such transfer');
});

const neverAsked = () => Promise.reject(new Error('must not be asked'));

async function* bytes(...parts: Buffer[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield await Promise.resolve(part);
}
