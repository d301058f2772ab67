import { env } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { openApiDocument } from '../../../../functions/openapi/document.ts';
import {
  ARTIFACT,
  BUILD,
  EXAMPLES,
  INTERACTION,
  MESSAGE,
  SESSION,
  SNAPSHOT,
  TOKEN,
  type Example,
} from '../../../../functions/openapi/examples/requests.ts';
import { createApp } from '../../../../functions/app.ts';
import { askQuestion } from '../../session/interactions/support/asking.ts';
import { share } from '../../session/files/support/sharing.ts';
import { mint, User } from '../../support/api.ts';
import { undeclared } from '../../support/declared.ts';
import type { RunnerNotice } from '../../../../protocol/link/runner-notice.ts';
import { FakeContainer, FakeRunner } from '../../support/runner.ts';
import { emptyPool } from '../../support/pool.ts';
import { parkSaved, ran, sharing, type Ran } from '../../support/scene.ts';

/** Makes every call of the document's examples, each with a token that has just the scopes that the document names. */

const DISCORD = {
  DISCORD_APPLICATION_ID: '1234567890',
  DISCORD_PUBLIC_KEY: 'a'.repeat(64),
  DISCORD_BOT_TOKEN: 'a-bot-token',
  DISCORD_CHANNEL_ID: '1234567891',
};
const app = createApp();
/** Other files have an alice of theirs in the same directory; the document shows this one by that name. */
const ALICE = `alice-of-the-examples-${crypto.randomUUID().slice(0, 8)}`;
const alice = new User(ALICE);

interface Call {
  readonly method: string;
  readonly path: string;
  readonly scope: string;
}

/** The calls of the document by their operationId. */
const calls = new Map<string, Call>(
  Object.entries(openApiDocument().paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, security }]) => {
      const scopes = (security as { bearer?: string[] }[]).flatMap(({ bearer = [] }) => bearer);
      return [operationId, { method: method.toUpperCase(), path, scope: scopes.join(' ') }] as const;
    }),
  ),
);

/** The ids of the examples, and those that stand for them just now. */
const real = new Map<string, string>();
/** What else came, in the order in which it did. */
const others = new Map<string, string>();

function other(id: string): string {
  const sample = others.get(id) ?? `01939f5a-0000-7000-8000-${String(others.size + 1).padStart(12, '0')}`;
  others.set(id, sample);
  return sample;
}

/** A point of P-256, of RFC 8291. */
const PUBLIC_KEY = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';

/** An answer as the document has it: ids, times and secrets are of this run alone. */
function shown(text: string): string {
  const known = new Map([...real].map(([example, id]) => [id, example]));
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) =>
      [...real.keys()].includes(id) ? id : (known.get(id) ?? other(id)),
    )
    .replaceAll(ALICE, 'alice')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-11-30T12:00:00.000Z')
    .replaceAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, 'eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl')
    .replaceAll(/\/\/[a-z2-7]{48}\./g, '//agjz6wt4dzyaaaadaanchrjcmfyxo3tfvmwsqz3cnvuw4zlt.')
    .replaceAll(/cc_docker_key=[0-9a-f]+/g, 'cc_docker_key=7f4e1c0b9a2d3e5f60718293a4b5c6d7')
    .replaceAll(/whsec_[\w+/=]+/g, 'whsec_c2VjcmV0IG9mIHRoaXMgZXhhbXBsZSwgb2Ygbm8gdXNl')
    .replaceAll(/"(\w*bytes)":\d+/g, '"$1":4096')
    .replaceAll(/"public_key":"[\w-]{87}"/g, `"public_key":"${PUBLIC_KEY}"`)
    .replaceAll(/"code":"[A-Z0-9-]{6,}"/g, '"code":"ABCD-EFGH"');
}

/** The session that runs, once one does. */
let asking: Ran | null = null;

/** What has to be there before a call. */
const prepare: Readonly<Record<string, () => Promise<void>>> = {
  async getHealth() {
    await emptyPool();
  },
  async listSnapshots() {
    if (asking === null) throw new Error('no session runs');
    real.set(SNAPSHOT, await parkSaved(asking));
  },
  async listBuilds() {
    await emptyPool();
    const runner = await FakeRunner.connect('workshop', { backend: 'docker', environments: true });
    const id = await alice.createSession({ environment: 'python' });
    const container = await FakeContainer.connect(await runner.launch(id));
    const { name: environment = '', revision = null } = container.launch.environment ?? {};
    const of = { build_id: BUILD, environment, revision };
    const notices: RunnerNotice[] = [
      { host_notice: 'build_started', ...of, started_at: new Date().toISOString() },
      { host_notice: 'build_output', ...of, at: 0, text: 'Successfully installed ruff-0.14.6\n' },
      { host_notice: 'build_ready', ...of, cached: false, ms: 31_000, bytes: 4096 },
    ];
    container.data.send({ kind: 'host', first: 1, notices });
    const path = `/environments/python/builds/${BUILD}`;
    await expect.poll(async () => (await alice.call('GET', path)).body.state).toBe('ready');
  },
  // The session reports it to its owner's directory after it has opened it.
  async listWaiting() {
    await expect.poll(async () => (await alice.call('GET', '/interactions?kind=question')).body.data).toHaveLength(1);
  },
  async getReadiness() {
    const scene = await ran({ config: { permission_mode: 'ask' } }, alice, await sharing('workshop'));
    await alice.call('POST', `/sessions/${scene.id}/chat`, { prompt: 'Make a button.' });
    const { message_id } = await scene.container.prompt();
    real.set(SESSION, scene.id);
    real.set(MESSAGE, message_id);
    real.set(INTERACTION, await askQuestion({ ...scene, message_id }));
    real.set(ARTIFACT, (await share(scene)).id);
    asking = scene;
  },
};

/** Which of the examples' ids an answer has in which field. */
const KEEPS: Readonly<Record<string, readonly [string, string]>> = {
  createSession: [SESSION, 'session_id'],
  sendMessage: [MESSAGE, 'message_id'],
  askOnDiscord: [INTERACTION, 'interaction_id'],
  mintToken: [TOKEN, 'jti'],
};

async function make({ operationId, parameters = {}, body }: Example) {
  const call = calls.get(operationId);
  if (call === undefined) throw new Error(`there is no operation ${operationId}`);
  const query = new URLSearchParams();
  let { path } = call;
  for (const [name, value] of Object.entries(parameters)) {
    const sent = real.get(value) ?? value;
    if (path.includes(`{${name}}`)) path = path.replace(`{${name}}`, sent);
    else query.set(name, sent);
  }
  const sent = [...real].reduce((text, [example, id]) => text.replaceAll(example, id), JSON.stringify(body ?? {}));
  const target = `${path}${query.size === 0 ? '' : `?${query.toString()}`}`;
  const response = await app.request(
    target,
    {
      method: call.method,
      headers: {
        ...(call.scope !== '' && { authorization: `Bearer ${await mint(ALICE, { claims: { scope: call.scope } })}` }),
      },
      ...(['POST', 'PATCH', 'PUT'].includes(call.method) && { body: sent }),
    },
    { ...env, ...DISCORD },
  );
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  expect(undeclared(call.method, target, { status: response.status, type, text })).toBeNull();
  return { status: response.status, text };
}

/** What has no example, because a page of text does not show it. */
const WITHOUT = [
  // Its answer is the push service's: test/edge/push.
  'testPushSubscription',
  // Files, as they are.
  'readFile',
  'writeFile',
  'deleteFile',
  'getDiff',
  'downloadArtifact',
  'deleteArtifact',
  'unsharePort',
  // Streams, and text of another form.
  'openFeed',
  'openStream',
  'openTerminal',
  'getMetrics',
  // Of what comes with time: a snapshot that is being taken, a wake-up, a post that did not get through, a runner that leaves.
  'takeSnapshot',
  'cancelWakeup',
  'redeliver',
  'redeliverOfSession',
  'drainRunner',
  // A code that works once, which the service has printed.
  'login',
  // Of the console's own page: its answer is a cookie.
  'showBrowserSession',
  'openBrowserSession',
  'closeBrowserSession',
];

it('are there for each call, but for a few that are listed here', () => {
  const missing = [...calls.keys()].filter((name) => !EXAMPLES.some(({ operationId }) => operationId === name));
  expect(missing.toSorted()).toEqual(WITHOUT.toSorted());
});

it('are made as they stand in the document, and answered as it says', async () => {
  const answers: Record<string, unknown> = {};
  for (const example of EXAMPLES) {
    await prepare[example.operationId]?.();
    const { status, text } = await make(example);
    expect(status, `${example.operationId}: ${text}`).toBe(example.status);
    if (text === '') continue;
    const [id, field] = KEEPS[example.operationId] ?? [];
    if (id !== undefined && field !== undefined) real.set(id, JSON.parse(text)[field]);
    answers[example.operationId] = JSON.parse(shown(text));
  }
  // Written anew by `vitest run -u`, together with `npm run openapi`.
  await expect(`${JSON.stringify(answers, null, 2)}\n`).toMatchFileSnapshot(
    '../../../../functions/openapi/examples/answers.json',
  );
});
