import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TUNNEL_WINDOW } from '../../../../../protocol/link/tunnel/stream-end.ts';
import { sharedScratch } from '../../../../support/scratch.ts';
import { ask, serve } from '../../../../support/tunnel/container-server.ts';
import { TunnelStage } from '../../../../support/tunnel/stage.ts';
import { until } from '../../../../support/until.ts';

const folder = sharedScratch();
let stage: TunnelStage;
beforeAll(async () => {
  stage = await TunnelStage.start(folder.path);
});
afterAll(async () => await stage[Symbol.asyncDispose]());

/** Reads on. @returns the error that ends it; null: it ends as if it were whole */
async function failureOf(answer: IncomingMessage): Promise<string | null> {
  try {
    await text(answer);
    return null;
  } catch (error) {
    return String(error);
  }
}

test('a runner that goes breaks off what is under way, which the reader and the server notice; its next serves at once', async () => {
  let gone = 0;
  const url = await serve(stage, (request, response) => {
    response.once('close', () => (gone += 1));
    if (request.url === '/long') response.write('some');
    else response.end('short');
  });
  const { answer } = await ask(`${url}/long`);
  await once(answer, 'data');
  const failure = failureOf(answer);
  await stage.restartRunner();
  expect(await failure).toMatch(/aborted/);
  await until(() => expect(gone).toBe(1));
  // The wrapper's control connection comes back by itself.
  expect(await text((await ask(`${url}/short`)).answer)).toBe('short');
});

test('a link that is away is said, and the next request works when it is back', async () => {
  const url = await serve(stage, (_request, response) => void response.end('here'));
  stage.tunnel.close();
  await stage.unlink();
  const refused = await until(async () => {
    const { answer } = await ask(url);
    const said = JSON.parse(await text(answer)) as { refused: string };
    expect(said.refused).toBe('not_connected');
    return said;
  });
  expect(refused).toHaveProperty('detail');
  await stage.restartRunner();
  await stage.listen();
  expect(await text((await ask(url)).answer)).toBe('here');
});

test('a reader that stands still costs its window, and holds up nobody else', async () => {
  let sent = 0;
  const chunk = Buffer.alloc(64 * 1024);
  const url = await serve(stage, (request, response) => {
    const more = (): void => {
      while (sent < 400 * 1024 * 1024) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
      response.end();
    };
    if (request.url === '/large') more();
    else response.end('quick');
  });
  const { answer } = await ask(`${url}/large`);
  answer.pause();
  let before = -1;
  let looks = 0;
  await until(() => {
    looks = sent === before ? looks + 1 : 0;
    before = sent;
    // Nothing more goes out for a second.
    expect(looks).toBeGreaterThanOrEqual(4);
  }, 250);
  // What sockets of the kernel hold on the way, four of them, comes to the window.
  expect(sent).toBeLessThan(TUNNEL_WINDOW + 24 * 1024 * 1024);
  expect(await text((await ask(`${url}/page`)).answer)).toBe('quick');
  answer.destroy();
});

test('a request that breaks off is not whole to the server either', async () => {
  const ended: string[] = [];
  const url = await serve(stage, (request) => {
    ended.push('came');
    request.resume();
    request.once('end', () => ended.push('end'));
    request.once('close', () => ended.push(request.complete ? 'whole' : 'cut'));
  });
  const request = http.request(url, { method: 'POST', headers: { 'content-length': 1_000_000 } });
  request.on('error', () => {});
  request.write(Buffer.alloc(100_000));
  await until(() => expect(ended).toEqual(['came']));
  request.destroy();
  await until(() => expect(ended).toContain('cut'));
  expect(ended).not.toContain('end');
});
