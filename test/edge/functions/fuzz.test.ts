import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { PROBLEMS } from '../../../protocol/api/problem.ts';
import { User } from '../support/api.ts';
import { generatedRuns } from '../../support/generated-runs.ts';

const user = new User();
let id = '';
beforeAll(async () => {
  id = await user.createSession();
  await user.call('POST', `/sessions/${id}/stop`);
});

const paths = [
  '/sessions',
  '/sessions/ID',
  '/sessions/ID/chat',
  '/sessions/ID/stop',
  '/sessions/ID/interrupt',
  '/sessions/ID/events',
  '/sessions/ID/stream',
  '/sessions/ID/messages/ID',
  '/sessions/ID/interactions',
  '/sessions/ID/interactions/ID',
  '/sessions/ID/interactions/ID/resolve',
  '/sessions/ID/snapshots',
  '/sessions/ID/snapshots/ID',
  '/sessions/ID/fork',
  '/workspaces',
  '/workspaces/ID',
  '/workspaces/ID/snapshots',
  '/storage',
];

/** Bodies that are almost right, and bodies that are anything. */
const body = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      prompt: fc.oneof(fc.string(), fc.jsonValue()),
      // `true` or nonsense: a call that waits would wait for a runner that there is not.
      stream: fc.oneof(
        fc.constant(true),
        fc.jsonValue().filter((value) => value !== false),
      ),
      snapshot: fc.oneof(fc.uuid(), fc.jsonValue()),
      answer: fc.oneof(fc.string(), fc.array(fc.string()), fc.jsonValue()),
      decision: fc.oneof(fc.constantFrom('allow', 'deny'), fc.jsonValue()),
      timeout_seconds: fc.oneof(fc.integer(), fc.jsonValue()),
      config: fc.oneof(
        fc.dictionary(fc.constantFrom('model', 'max_turns', 'allowed_tools', 'mcp_servers', 'x'), fc.jsonValue()),
        fc.jsonValue(),
      ),
      workspace: fc.jsonValue(),
    },
    { requiredKeys: [] },
  ),
);
const text = fc.oneof(
  { weight: 4, arbitrary: body.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.string() },
);
const id_ = fc.oneof(fc.constant('real'), fc.uuid(), fc.string({ minLength: 1 }).map(encodeURIComponent));
const query = fc.oneof(
  fc.constant(''),
  fc.webQueryParameters().map((q) => `?${q}`),
  fc.integer().map((n) => `?after=${n}&limit=${n}`),
);

it('answers whatever it is sent with success or with a problem of a known code, never with a fault', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST', 'PUT', 'PATCH'),
      fc.constantFrom(...paths),
      id_,
      query,
      text,
      fc.constantFrom('application/json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'),
      async (method, path, name, search, sent, type) => {
        const target = path.replaceAll('ID', name === 'real' ? id : name) + search;
        const answer = await user.call(method, target, method === 'GET' ? undefined : sent, { 'content-type': type });
        if (answer.status < 400) return;
        // The session has not run: it has nothing to save, and cannot be forked from how it is.
        if (answer.body.code === 'files_unavailable') return;
        expect(answer.status, `${method} ${target} ${sent}`).toBeLessThan(500);
        expect(Object.keys(PROBLEMS)).toContain(answer.body.code);
        expect(answer.body.detail).not.toBe('');
      },
    ),
    // Each is a request that some object answers.
    { numRuns: generatedRuns(1500) },
  );
}, 60_000);
