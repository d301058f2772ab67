import { createHash } from 'node:crypto';
import http, { type IncomingMessage, type RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { close, listen } from '../../../../support/net/listen.ts';
import { sharedScratch } from '../../../../support/scratch.ts';
import { TunnelStage } from '../../../../support/tunnel/stage.ts';

const folder = sharedScratch();
let stage: TunnelStage;
beforeAll(async () => {
  stage = await TunnelStage.start(folder.path);
});
afterAll(async () => await stage[Symbol.asyncDispose]());

/** A server of the container, and where people see it. */
async function serve(listener: RequestListener): Promise<string> {
  const server = http.createServer(listener);
  const port = await listen(server, '127.0.0.1');
  onTestFinished(async () => await close(server));
  return stage.url(port, '').replace(/\/$/, '');
}

interface Got {
  readonly status: number;
  readonly headers: readonly string[];
  readonly answer: IncomingMessage;
}

/** Node's own client: it shows what came, field by field and byte by byte. */
function ask(url: string, options: http.RequestOptions = {}, body?: string | Buffer): Promise<Got> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, options, (answer) =>
      resolve({ status: answer.statusCode ?? 0, headers: answer.rawHeaders, answer }),
    );
    request.on('error', reject);
    request.end(body);
  });
}

test('a page comes with its own head and body, and the server sees the request as it was', async () => {
  let seen: IncomingMessage | undefined;
  const url = await serve((request, response) => {
    seen = request;
    response.writeHead(203, 'Odd', [
      ['Content-Type', 'text/html'],
      ['Set-Cookie', 'a=1; Path=/'],
      ['Set-Cookie', 'b=2; HttpOnly'],
      ['X-Own', 'yes'],
    ]);
    response.end('<p>hello</p>');
  });
  const got = await ask(`${url}/a%2Fb/..;x?q=%20&q=2`, { headers: { 'x-mine': 'mine', cookie: 'k=v' } });
  expect(got.status).toBe(203);
  expect(await text(got.answer)).toBe('<p>hello</p>');
  expect(got.answer.headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2; HttpOnly']);
  expect(got.answer.headers['x-own']).toBe('yes');
  expect(seen?.url).toBe('/a%2Fb/..;x?q=%20&q=2');
  expect(seen?.headers).toMatchObject({ 'x-mine': 'mine', cookie: 'k=v' });
});

test('bodies of megabytes come whole in both directions', async () => {
  const url = await serve((request, response) => {
    request.pipe(response);
  });
  const body = Buffer.alloc(9 * 1024 * 1024, 'abcdefghijk');
  const { answer } = await ask(url, { method: 'POST' }, body);
  const hash = createHash('sha256');
  for await (const part of answer) hash.update(part as Buffer);
  expect(hash.digest('hex')).toBe(createHash('sha256').update(body).digest('hex'));
});
