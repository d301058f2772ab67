import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stop as stopEsbuild } from 'esbuild';
import * as z from 'zod';
import { bundleWorker, bundleWrapper } from '../../../scripts/bundle.ts';
import { bash, byWord, says, turnsScene } from '../../../test/support/turns.ts';
import { PROJECT } from '../../../start/lib/project.ts';

/**
 * What one session costs on Cloudflare, in what Cloudflare bills: counted in workerd, with a real runner and the real `claude`. A
 * session of so many messages, each with one tool and 200 words, is begun, watched over a WebSocket, and parked.
 * docs/deploy.md has the result.
 *
 * `node bench/rows/edge/cloudflare.ts [MESSAGES]`
 */

const MESSAGES = Number(process.argv[2] ?? 10);
const IDLE_S = 60;
const WORDS = Array.from({ length: 200 }, (_, n) => `word${n} `);

const report = z.object({
  workerRequests: z.number(),
  objects: z.record(z.string(), z.record(z.string(), z.number())),
});
type Report = z.infer<typeof report>;

const worker = await bundleWorker(
  'bench/lib/workers/metered-worker.ts',
  path.join(PROJECT, 'build/metered/worker.mjs'),
);
await bundleWrapper();
await stopEsbuild();
const script = byWord({
  tool_result: () => [{ words: WORDS }],
  work: () => bash('echo done'),
  '': () => says('hello'),
});
await using scene = await turnsScene(script, { worker });
const { service, alice } = scene;

const read = async (): Promise<Report> => report.parse(await (await fetch(`${service.url}/-/metered`)).json());

/** What was counted while something was done. */
async function counted(what: string, work: () => Promise<void>): Promise<void> {
  const before = await read();
  await work();
  // What was deferred, such as a list's entry, belongs to it.
  await delay(3000);
  const after = await read();
  console.log(`\n${what}\n  requests to the Worker: ${after.workerRequests - before.workerRequests}`);
  for (const [name, now] of Object.entries(after.objects)) {
    const earlier = before.objects[name] ?? {};
    const parts = Object.entries(now).map(([key, value]) => `${key} ${Math.round(value - (earlier[key] ?? 0))}`);
    console.log(`  ${name.padEnd(12)} ${parts.join(', ')}`);
  }
}

// What is begun once is not counted: the claude that is looked for, the tables of the owner's directory.
const first = await alice.createSession();
await alice.ask(first, 'work');
await alice.park(first);
await delay(3000);

let id = '';
await counted('a session is created and watched', async () => {
  id = await alice.createSession();
  const watcher = alice.watch(id, 0);
  await watcher.until(({ type, data }) => type === 'session.status' && data.status === 'idle');
});
await counted(`${MESSAGES} messages (stream: true), one after the other`, async () => {
  const watcher = alice.watch(id, 0);
  for (let n = 0; n < MESSAGES; n++) {
    const sent = await alice.tell(id, 'work');
    await watcher.until(({ type, data }) => type === 'message.completed' && data.message_id === sent);
  }
  watcher.close();
});
await counted('the session is parked, with a snapshot', async () => void (await alice.park(id)));
await counted(
  'one message by a call that waits (stream: false) wakes it',
  async () => void (await alice.ask(id, 'work')),
);
await counted('it is parked again, and deleted', async () => {
  await alice.park(id);
  await alice.call('DELETE', `/sessions/${id}`);
});
await counted(`nothing, for ${IDLE_S} s, with one runner`, async () => await delay(IDLE_S * 1000));
