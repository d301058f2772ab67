import { beforeEach, describe, expect, test } from 'vitest';
import { createApp } from '../../../../functions/app.ts';
import { env } from 'cloudflare:test';
import { until } from '../../../support/until.ts';
import { mint, User } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { askLeave, askQuestion, askUser, color, working, type Scene } from '../interactions/support/asking.ts';
import { HookHost } from './support/receivers.ts';

beforeEach(emptyPool);

const app = createApp();
const BROWSER = { accept: 'text/html,application/xhtml+xml' };
const FORM = { ...BROWSER, 'content-type': 'application/x-www-form-urlencoded', origin: 'http://localhost' };

const get = async (url: string, headers: Record<string, string> = BROWSER) => app.request(url, { headers }, env);
const post = async (url: string, body: string, headers: Record<string, string> = FORM) =>
  app.request(url, { method: 'POST', headers, body }, env);

/** A session in the middle of a turn, whose owner's webhook hears what it asks. */
async function watched(config: object = {}, target: object = {}): Promise<Scene & { hook: HookHost }> {
  const hook = new HookHost();
  const user = new User();
  const put = await user.call('PUT', '/webhooks/me', { url: hook.url, events: ['interaction.*'], ...target });
  expect(put.status, JSON.stringify(put.body)).toBe(200);
  return { ...(await working(config, {}, user)), hook };
}

/** What was posted of a question: its `data`. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
async function posted(hook: HookHost, id: string, type = 'interaction.opened'): Promise<any> {
  return until(async () => {
    const found = (await hook.bodies()).find((body) => body.type === type && body.data.interaction_id === id);
    expect(found).toBeDefined();
    return found.data;
  });
}

const shownOf = async ({ user, id }: Scene, interaction: string) =>
  (await user.call('GET', `/sessions/${id}/interactions/${interaction}`)).body;

describe('the link in an interaction’s post', () => {
  test('shows a page that answers nothing by itself, however often it is fetched', async () => {
    const scene = await watched();
    const asked = await askLeave(scene);
    const { answer, deadline } = await posted(scene.hook, asked);
    expect(answer).toEqual({ url: expect.stringMatching(/^http:\/\/localhost\/answer\/e/), expires_at: deadline });
    for (const headers of [BROWSER, { accept: '*/*' }, BROWSER])
      expect((await get(answer.url, headers)).status).toBe(200);
    expect((await app.request(answer.url, { method: 'HEAD' }, env)).status).toBe(200);
    const page = await get(answer.url);
    const html = await page.text();
    expect(html).toContain('rm -r build');
    expect(html).not.toMatch(/<script|<a |<img|href=|src=/);
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*form-action 'self'/);
    // A browser sends its origin with the form only then.
    expect(page.headers.get('referrer-policy')).toBe('same-origin');
    expect(await shownOf(scene, asked)).toMatchObject({ state: 'open' });
  });

  test('answers with the page’s form in the owner’s name, which is in the audit log; then it shows no more of it', async () => {
    const scene = await watched();
    const asked = await askLeave(scene);
    const { answer } = await posted(scene.hook, asked);
    const done = await post(answer.url, 'decision=deny&message=not+today');
    expect([done.status, await done.text()]).toEqual([200, expect.stringContaining('Answered')]);
    expect(await shownOf(scene, asked)).toMatchObject({
      state: 'resolved',
      resolved_by: scene.user.name,
      resolution: { kind: 'decision', decision: 'deny', message: 'not today' },
    });
    await expect(scene.container.answer()).resolves.toMatchObject({ command: 'resolve' });
    const admin = new User('root', { claims: { scope: 'admin' } });
    const { data } = (await admin.call('GET', `/audit?actor=${scene.user.name}&action=interaction.answered`)).body;
    expect(data).toMatchObject([{ target: scene.id, detail: `link ${asked}` }]);
    const after = await get(answer.url);
    expect([after.status, await after.text()]).toEqual([410, expect.not.stringContaining('rm -r build')]);
    // The same answer again is fine, another one is not.
    expect((await post(answer.url, 'decision=deny&message=not+today')).status).toBe(200);
    expect((await post(answer.url, 'decision=allow')).status).toBe(409);
  });

  test('ends when somebody answers elsewhere: the first answer counts', async () => {
    const scene = await watched();
    const asked = await askLeave(scene);
    const { answer } = await posted(scene.hook, asked);
    await scene.user.call('POST', `/sessions/${scene.id}/interactions/${asked}/resolve`, { decision: 'allow' });
    const late = await post(answer.url, 'decision=deny');
    expect([late.status, await late.text()]).toEqual([409, expect.stringContaining(`${scene.user.name} answered`)]);
    expect(await shownOf(scene, asked)).toMatchObject({ resolution: { decision: 'allow' } });
    expect(await posted(scene.hook, asked, 'interaction.resolved')).not.toHaveProperty('answer');
  });

  test('answers a question with one of its options, with a text, or several at once', async () => {
    const scene = await watched();
    const one = await askUser(scene, { question: 'Which <port>?', options: ['80', '443 & 8443'] });
    const first = await posted(scene.hook, one);
    expect(await (await get(first.answer.url)).text()).toContain('Which &lt;port&gt;?');
    expect((await post(first.answer.url, new URLSearchParams({ q0: '443 & 8443', t0: '' }).toString())).status).toBe(
      200,
    );
    expect(await shownOf(scene, one)).toMatchObject({ resolution: { answers: ['443 & 8443'] } });
    const many = await askQuestion(scene, color, {
      ...color,
      question: 'Which more?',
      multi_select: true,
      free_text: true,
    });
    const second = await posted(scene.hook, many);
    const fault = await post(second.answer.url, 'q0=green');
    expect([fault.status, await fault.text()]).toEqual([422, expect.stringContaining('role="alert"')]);
    expect((await post(second.answer.url, 'q0=red&q1=red&q1=blue&t1=violet')).status).toBe(200);
    expect(await shownOf(scene, many)).toMatchObject({ resolution: { answers: ['red', ['red', 'blue', 'violet']] } });
  });

  test('takes a program’s JSON, and refuses as the API does', async () => {
    const scene = await watched();
    const asked = await askQuestion(scene);
    const { answer } = await posted(scene.hook, asked);
    const json = { 'content-type': 'application/json' };
    const wrong = await post(answer.url, '{"answer":"green"}', json);
    expect([wrong.status, (await wrong.json<{ code: string }>()).code]).toEqual([422, 'answer_invalid']);
    const right = await post(answer.url, '{"answer":"blue"}', json);
    expect([right.status, await right.json()]).toEqual([200, expect.objectContaining({ state: 'resolved' })]);
  });

  test('is for that question alone', async () => {
    const scene = await watched();
    const [first, second] = [await askLeave(scene), await askUser(scene)];
    const { answer } = await posted(scene.hook, first);
    await posted(scene.hook, second);
    expect((await post(answer.url, 'decision=allow')).status).toBe(200);
    expect(await shownOf(scene, second)).toMatchObject({ state: 'open' });
    // Another question's id in the same token: the signature no longer fits.
    const token = new URL(answer.url).pathname.split('/').at(-1) ?? '';
    const [header, claims = '', signature] = token.split('.');
    const other = btoa(atob(claims.replaceAll('-', '+').replaceAll('_', '/')).replace(first, second));
    const forged = `http://localhost/answer/${header}.${other.replaceAll('=', '')}.${signature}`;
    expect((await get(forged)).status).toBe(404);
    // Tokens of other kinds open no page.
    for (const wrong of [await mint(scene.user.name), await mint(scene.id, { claims: { iid: second } }), 'x']) {
      expect((await post(`http://localhost/answer/${wrong}`, 'answer=x')).status).toBe(404);
    }
    expect(await shownOf(scene, second)).toMatchObject({ state: 'open' });
  });

  test('opens for no page of another site', async () => {
    const scene = await watched();
    const { answer } = await posted(scene.hook, await askLeave(scene));
    const foreign = await post(answer.url, 'decision=allow', { ...FORM, origin: 'https://evil.example' });
    expect(foreign.status).toBe(403);
  });

  test('ends when its owner’s tokens are revoked', async () => {
    const scene = await watched();
    const { answer } = await posted(scene.hook, await askLeave(scene));
    const admin = new User('root', { claims: { scope: 'admin' } });
    const before = new Date(Date.now() + 60_000).toISOString();
    expect((await admin.call('POST', '/revocations', { sub: scene.user.name, before })).status).toBe(201);
    // That is known everywhere within seconds.
    await until(async () => expect((await get(answer.url)).status).toBe(404));
    expect((await post(answer.url, 'decision=allow')).status).toBe(404);
  });

  test('is not made where the owner is not asked, or wants none', async () => {
    const bob = new User();
    const restricted = await watched({ answerers: [bob.name] });
    const forBob = await askUser(restricted, { answerers: [bob.name] });
    expect(await posted(restricted.hook, forBob)).not.toHaveProperty('answer');
    const quiet = await watched({}, { answer_links: false });
    expect(await posted(quiet.hook, await askLeave(quiet))).not.toHaveProperty('answer');
  });
});
