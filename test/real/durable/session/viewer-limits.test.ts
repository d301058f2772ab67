import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { WORKER_BUNDLE } from '../../../../scripts/bundle.ts';
import { startEdge, type Edge } from '../../../../start/edge/edge.ts';
import { mintToken } from '../../../../start/settings/mint-token.ts';
import { sharedScratch } from '../../../support/scratch.ts';
import { until } from '../../../support/until.ts';

const SECRET = 'known to every test and of no use elsewhere';

let edge: Edge;
const folder = sharedScratch();
beforeAll(async () => {
  const stateFolder = path.join(folder.path, 'edge');
  const vars = { JWT_SECRET: SECRET, MAX_VIEWERS_PER_SESSION: '6', MAX_VIEWERS_PER_OWNER: '10' };
  edge = await startEdge({ worker: WORKER_BUNDLE, host: '127.0.0.1', port: 0, stateFolder, vars });
});
afterAll(async () => {
  await edge.stop();
});

let headers: { authorization: string };
beforeEach(async () => {
  headers = {
    authorization: `Bearer ${await mintToken(SECRET, { kind: 'user', sub: randomUUID(), ttlSeconds: 600 })}`,
  };
});

async function createSession(): Promise<string> {
  const made = await fetch(`${edge.url}/api/v1/sessions`, { method: 'POST', headers, body: '{}' });
  return ((await made.json()) as { session_id: string }).session_id;
}

interface Opened {
  readonly status: number;
  readonly problem: { code: string; detail: string } | null;
  close(): void;
}

/** Watches by WebSocket. */
async function socket(id: string): Promise<Opened> {
  const opened = new WebSocket(`${edge.url.replace('http', 'ws')}/api/v1/sessions/${id}/stream?after=0`, { headers });
  opened.on('error', () => undefined);
  const refused = once(opened, 'unexpected-response');
  const isOpen = await Promise.race([once(opened, 'open').then(() => true), refused.then(() => false)]);
  if (isOpen) return { status: 101, problem: null, close: () => opened.close() };
  const [, response] = await refused;
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, problem: JSON.parse(body), close: () => undefined };
}

/** Watches by Server-Sent Events. */
async function stream(id: string): Promise<Opened> {
  const ended = new AbortController();
  const answer = await fetch(`${edge.url}/api/v1/sessions/${id}/events`, {
    headers: { ...headers, accept: 'text/event-stream' },
    signal: ended.signal,
  });
  const problem = answer.status === 200 ? null : ((await answer.json()) as Opened['problem']);
  return { status: answer.status, problem, close: () => ended.abort() };
}

const full = (setting: string) => ({
  status: 429,
  problem: { code: 'viewer_limit_reached', detail: expect.stringContaining(setting) },
});

describe('viewers', () => {
  test('of one session are no more than MAX_VIEWERS_PER_SESSION, by WebSocket and SSE together; one that goes makes room', async () => {
    const id = await createSession();
    const open = await Promise.all([1, 2, 3].flatMap(() => [socket(id), stream(id)]));
    expect(open.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([101, 101, 101, 200, 200, 200]);
    expect(await socket(id)).toMatchObject(full('MAX_VIEWERS_PER_SESSION'));
    expect(await stream(id)).toMatchObject(full('MAX_VIEWERS_PER_SESSION'));
    open[0]?.close();
    await until(async () => {
      const next = await stream(id);
      expect(next.status).toBe(200);
      open.push(next);
    });
    expect(await socket(id)).toMatchObject(full('MAX_VIEWERS_PER_SESSION'));
    open.find(({ status }) => status === 200)?.close();
    await until(async () => {
      const next = await socket(id);
      expect(next.status).toBe(101);
      open.push(next);
    });
    for (const one of open) one.close();
  });

  test('of all sessions of an owner are no more than MAX_VIEWERS_PER_OWNER, though many come at once; another owner has their own', async () => {
    const ids = await Promise.all([1, 2, 3].map(() => createSession()));
    const [first = '', second = '', third = ''] = ids;
    // 4 slots each for the first two, and the last two of ten for the third.
    const open = await Promise.all([first, first, first, second].map(socket));
    const crowd = await Promise.all(Array.from({ length: 5 }, () => stream(third)));
    expect(crowd.filter(({ status }) => status === 200)).toHaveLength(2);
    for (const one of crowd.filter(({ status }) => status !== 200)) {
      expect(one).toMatchObject(full('MAX_VIEWERS_PER_OWNER'));
    }
    expect(await socket(third)).toMatchObject(full('MAX_VIEWERS_PER_OWNER'));
    // The slots that a session has taken ahead are its own.
    open.push(await socket(first));
    expect(open.map(({ status }) => status)).toEqual([101, 101, 101, 101, 101]);
    headers = {
      authorization: `Bearer ${await mintToken(SECRET, { kind: 'user', sub: randomUUID(), ttlSeconds: 600 })}`,
    };
    const other = await socket(await createSession());
    expect(other.status).toBe(101);
    for (const one of [...open, ...crowd, other]) one.close();
  });
});
