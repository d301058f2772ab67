import { execFile } from 'node:child_process';
import { createServer, request } from 'node:http';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installPackages } from '../../../container/build/install-packages.ts';
import { Service } from '../../support/e2e/service.ts';
import { close, listen } from '../../support/net/listen.ts';
import { atMost } from '../../support/patience.ts';

const SUITE = path.join(import.meta.dirname, '..', 'conformance');
const PROGRAM = path.join(SUITE, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

const run = promisify(execFile);

let service: Service;
let token: string;
let port: number;

/** Adds a token to each call, which the suite cannot. All else stays as it is sent, the names of hosts and pages above all. */
const proxy = createServer((incoming, answer) => {
  const { method, url: target, headers } = incoming;
  const to = { method, path: target, headers: { ...headers, authorization: `Bearer ${token}` } };
  const outgoing = request(service.url, to, (response) => {
    answer.writeHead(response.statusCode ?? 502, response.headers);
    // Who hangs up is hung up on.
    pipeline(response, answer).catch(() => outgoing.destroy());
  });
  outgoing.on('error', () => answer.destroy());
  pipeline(incoming, outgoing).catch(() => answer.destroy());
});

beforeAll(async () => {
  const suite = await installPackages({ folder: SUITE, what: 'the conformance suite of MCP', onProgress: console.log });
  if (!suite.ok) throw new Error(suite.detail);
  service = await Service.start({ backend: 'process' });
  token = await service.token('alice');
  port = await listen(proxy, '127.0.0.1');
});
afterAll(async () => {
  await close(proxy);
  await service?.stop();
});

/**
 * What a revision requires, at its own wire. The baseline names what needs a server made for the suite: tools, prompts and resources of
 * its own. One that passes and is in it is a failure too.
 */
test.each(['2025-11-25', '2026-07-28'])(
  'the public conformance suite finds what revision %s requires',
  async (revision) => {
    const baseline = path.join(SUITE, `baseline-${revision}.yaml`);
    const args = ['server', '--url', `http://127.0.0.1:${port}/mcp`, '--requirements', revision];
    const { stdout = '' } = await run(process.execPath, [PROGRAM, ...args, '--expected-failures', baseline], {
      cwd: service.folder,
      env: { PATH: process.env['PATH'], HOME: service.folder },
      timeout: atMost(120),
      maxBuffer: 64 * 1024 * 1024,
    }).catch((judged: { stdout?: string }) => judged);
    expect(stdout, stdout).toMatch(/Baseline check passed/);
  },
);
