import { expect, test } from 'vitest';
import { CcDocker, unwrap, type CcDockerError } from '../../../client/main.ts';

/** A service that answers so, one call after the other; and what it was asked. */
function answering(...answers: (Response | Error)[]) {
  const asked: { call: string; key: string | null; token: string | null }[] = [];
  const fetch = async ({ method, url, headers }: Request): Promise<Response> => {
    const token = headers.get('authorization');
    asked.push({ call: `${method} ${new URL(url).pathname}`, key: headers.get('idempotency-key'), token });
    const answer = answers.shift();
    if (answer === undefined) throw new Error('that was not to be asked');
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const url = 'http://service.test/';
  let calls = 0;
  const token = () => `token ${(calls += 1)}`;
  return { asked, cc: new CcDocker({ url, token, fetch, retries: 2, backoff: { minMs: 0, maxMs: 0 } }) };
}

const refusal = (status: number, code: string, headers: Record<string, string> = {}) =>
  Response.json({ code, detail: 'No.', title: '', type: '', status }, { status, headers });
const session = (headers: Record<string, string> = {}) => Response.json({ session_id: 'id' }, { status: 201, headers });
const failed = async (call: Promise<unknown>) =>
  await call.then(
    () => null,
    ({ code, status, retryable, retryAfterMs }: CcDockerError) => ({ code, status, retryable, retryAfterMs }),
  );
const interrupt = { params: { path: { session_id: 'id' } }, body: {} };
/** What another service answers. */
const page = () => new Response('<html>', { headers: { 'content-type': 'text/html' } });
const gone = () => refusal(404, 'session_not_found');

test('a call that creates something is sent again with its key, and a token of now', async () => {
  const { cc, asked } = answering(new TypeError('reset'), refusal(503, 'unavailable'), session());
  await cc.sessions.create();
  const call = 'POST /api/v1/sessions';
  expect(asked.map((one) => one.call)).toEqual([call, call, call]);
  expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
  expect(asked.map(({ token }) => token)).toEqual(['Bearer token 1', 'Bearer token 2', 'Bearer token 3']);
});

test('a call that may have done something is not sent again; one that was refused for now is', async () => {
  for (const broken of [new TypeError('reset'), refusal(503, 'unavailable'), new Response('', { status: 502 })]) {
    const { cc, asked } = answering(broken);
    await expect(cc.session('id').interrupt()).rejects.toMatchObject({ retryable: true });
    expect(asked).toHaveLength(1);
  }
  const { cc, asked } = answering(refusal(429, 'rate_limited'), Response.json({ interrupted: false }));
  await unwrap(cc.api.POST('/api/v1/sessions/{session_id}/interrupt', interrupt));
  expect(asked).toHaveLength(2);
});

test('what waiting does not help is thrown at once, and what takes long is for the caller to wait for', async () => {
  const ofSpawn = { code: 'spawn_depth_exceeded', status: 429, retryable: false };
  expect(await failed(answering(refusal(429, 'spawn_depth_exceeded')).cc.sessions.create())).toMatchObject(ofSpawn);
  const later = refusal(429, 'session_rate_reached', { 'retry-after': '3600' });
  const ofRate = { code: 'session_rate_reached', status: 429, retryable: true, retryAfterMs: 3_600_000 };
  expect(await failed(answering(later).cc.sessions.create())).toEqual(ofRate);
});

test('an answer that broke on its way is asked for again; what never is CC-Docker’s says so', async () => {
  const { cc, asked } = answering(
    new Response('', { status: 201 }),
    new Response('{"session', { status: 201 }),
    session(),
  );
  expect((await cc.sessions.create()).id).toBe('id');
  expect(asked).toHaveLength(3);
  expect(await failed(answering(page(), page(), page()).cc.sessions.create())).toMatchObject({ code: 'bad_answer' });
  expect(await failed(unwrap(answering(page()).cc.api.GET('/api/v1/storage')))).toMatchObject({ code: 'bad_answer' });
  const proxy = new Response('<html>', { status: 404 });
  expect(await failed(answering(proxy).cc.sessions.get('x'))).toMatchObject({
    code: 'bad_answer',
    status: 404,
    retryable: false,
  });
});

test('a session whose removal was answered to nobody is removed', async () => {
  await answering(new TypeError('reset'), gone()).cc.session('id').remove();
  expect(await failed(answering(gone()).cc.session('id').remove())).toMatchObject({ code: 'session_not_found' });
});
