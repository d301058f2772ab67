import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { CcDocker, MessageFailed, type Progress, type Session } from '../../../client/main.ts';
import { hasChromium } from '../../support/client/chromium.ts';
import { FaultProxy } from '../../support/client/fault-proxy.ts';
import { Page } from '../../support/client/page.ts';
import { script } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { atMost } from '../../support/patience.ts';
import { until } from '../../support/until.ts';

/** The client with sessions that run the real `claude`. */

let service: Service;
let page: Page;
let token: string;
let cc: CcDocker;
let session: Session;
beforeAll(async () => {
  page = await Page.serve('client/main.ts');
  service = await Service.start({ backend: 'process', vars: { CORS_ORIGINS: page.origin } });
  token = await service.token('alice');
  cc = new CcDocker({ url: service.url, token });
  session = await cc.sessions.create({ config: { permission_mode: 'ask' } });
}, atMost(90));
afterAll(async () => {
  await page.stop();
  await service.stop();
});

describe('a message', () => {
  test('is asked and answered, with previews of the answer', async () => {
    const types = new Set<string>();
    const said = script({ text: 'one two three four', tokens_per_second: 20 });
    const { text, message } = await session.ask(said, { onEvent: ({ type }) => types.add(type), timeoutSeconds: 600 });
    expect(text).toBe('one two three four');
    expect(message).toMatchObject({ status: 'completed', settled_at: expect.any(String) });
    expect([...types]).toEqual(expect.arrayContaining(['message.queued', 'stream_event', 'assistant', 'result']));
    expect(await session.message(message.message_id)).toEqual(message);
  });

  test('is asked once and answered over a network that fails again and again', async () => {
    const proxy = await FaultProxy.start(service.url, 4);
    onTestFinished(() => proxy.stop());
    proxy.cut({ times: 40, onIdle: () => undefined, onEnd: () => undefined });
    const through = new CcDocker({ url: proxy.url, token, retries: 1000, backoff: { minMs: 1, maxMs: 50 } });
    const before = (await session.show()).total_turns;
    const { text } = await through.session(session.id).ask(script({ text: 'five six', tokens_per_second: 5 }));
    expect(text).toBe('five six');
    expect(proxy.cuts).toBeGreaterThan(0);
    expect((await session.show()).total_turns).toBe(before + 1);
  });

  test('that fails throws why', async () => {
    const failed = session.ask(script({ error: { status: 400 } }));
    await expect(failed).rejects.toBeInstanceOf(MessageFailed);
    await expect(failed).rejects.toMatchObject({ code: 'model_error', retryable: false, view: { status: 'failed' } });
  });

  test('that runs is interrupted, and whoever waits for it hears how it ended', async () => {
    const { messageId } = await session.send(script({ hang: true }));
    const settled = session.settled(messageId);
    await until(async () => expect((await session.show()).status).toBe('running'));
    expect(await session.interrupt()).toEqual({ interrupted: true, message_id: messageId });
    expect(await settled).toMatchObject({ status: 'interrupted', error: { code: 'interrupted' } });
  });

  test('waits for a permission, which is given', async () => {
    const asked = session.ask('Create allowed.md with "yes"');
    const [question] = await until(async () => {
      const open = await session.questions();
      expect(open).toHaveLength(1);
      return open;
    });
    expect(question?.subject).toMatchObject({ kind: 'permission', tool_name: 'Write' });
    const answered = await session.answer(question?.interaction_id ?? '', { decision: 'allow' });
    expect(answered).toMatchObject({ state: 'resolved', resolution: { decision: 'allow' } });
    await asked;
    expect(await (await session.files.read('allowed.md')).text()).toContain('yes');
    expect(await session.questions()).toEqual([]);
  });
});

describe('files', () => {
  const bytes = new Uint8Array(1_000_000).map((_, at) => at % 251);

  test('are written with progress, from bytes and from a stream, and read, in whole and in part', async () => {
    for (const [name, body] of [
      ['bytes', bytes],
      ['stream', new Blob([bytes]).stream()],
    ] as const) {
      const progress: Progress[] = [];
      const path = `new folder/${name} #1?.bin`;
      const written = await session.upload(path, body, { onProgress: (one) => progress.push(one) });
      expect(written).toMatchObject({ files: 1, bytes: bytes.length });
      expect(progress.at(-1)).toEqual({ sent: bytes.length, total: name === 'bytes' ? bytes.length : null });
      expect(new Uint8Array(await (await session.files.read(path)).arrayBuffer())).toEqual(bytes);
      const part = await session.files.read(path, { range: 'bytes=10-12' });
      expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.subarray(10, 13));
    }
  });

  test('are listed, compared, packed and removed', async () => {
    await session.files.write('src/run.sh', 'echo hi\n', { mode: '0755' });
    const listed = [];
    for await (const { path, mode } of session.files.list('src')) listed.push({ path, mode });
    expect(listed).toEqual([{ path: 'src/run.sh', mode: '0755' }]);
    expect(await session.files.diff()).toContainEqual(expect.objectContaining({ path: 'src/run.sh', change: 'added' }));
    expect(await session.files.patch()).toContain('+echo hi');
    const archive = await (await session.files.pack('src')).blob();
    await session.files.unpack('copy', archive);
    expect(await (await session.files.read('copy/run.sh')).text()).toBe('echo hi\n');
    await expect(session.files.read('src')).rejects.toMatchObject({ code: 'not_a_file' });
    await expect(session.files.list('src/run.sh').next()).rejects.toMatchObject({ code: 'not_a_directory' });
    await session.files.remove('src', { recursive: true });
    await expect(session.files.read('src/run.sh')).rejects.toMatchObject({ code: 'file_not_found', status: 404 });
  });

  test('are written from a page, with progress', async ({ skip }) => {
    skip(!hasChromium(), 'chromium is not installed');
    await page.open();
    const sent = await page.run(
      `const session = new exports.CcDocker(input).session(input.id);
       const progress = [];
       const onProgress = (one) => progress.push(one);
       const blob = new Blob(['x'.repeat(300000)]);
       await session.upload('page.txt', blob, { onProgress });
       const written = await session.upload('streamed.txt', blob.stream());
       const refused = await session.upload('allowed.md/x', blob, { onProgress }).catch(({ code }) => code);
       return { progress, written, refused, read: (await (await session.files.read('page.txt')).text()).length };`,
      { url: service.url, token, id: session.id },
    );
    expect(sent).toMatchObject({
      progress: expect.arrayContaining([{ sent: 300_000, total: 300_000 }]),
      written: { bytes: 300_000 },
      refused: 'not_a_directory',
      read: 300_000,
    });
  });
});

test('a session is forked, changed, stopped and removed', async () => {
  const changed = await session.change({ title: 'the first' });
  expect(changed).toMatchObject({ title: 'the first', total_turns: expect.any(Number) });
  const fork = await session.fork();
  expect(await fork.show()).toMatchObject({ forked_from: session.id });
  expect(await fork.stop()).toMatchObject({ session_id: fork.id });
  await fork.remove();
  const left = [];
  for await (const { session_id } of cc.sessions.list()) left.push(session_id);
  expect(left).toEqual([session.id]);
});
