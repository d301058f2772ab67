import { env, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { Directory } from '../../../../durable/directory/directory.ts';
import type { EdgeEnv } from '../../../../durable/rpc/edge-env.ts';
import { createSessionRequest } from '../../../../protocol/api/session/session.ts';
import { contentBlock } from '../../../../protocol/content/blocks.ts';
import { MAX_BODY_BYTES, MAX_CONTENT_BYTES } from '../../../../protocol/settings/limits.ts';
import { file, image, pdf, pdfDocument, png, text } from '../../../support/content/samples.ts';
import { emptyPool } from '../../support/pool.ts';
import { ran } from '../../support/scene.ts';

beforeEach(emptyPool);

const BLOCKS = [text('What is this?'), image(png()), file('document', 'plan.md')];
/** A PDF of so many bytes: base64 makes a third more of them. */
const largePdf = (bytes: number) => pdfDocument(pdf(1, `%${'x'.repeat(bytes)}\n`), 'large');

const cutOff = (): never => {
  throw new Error('cut off');
};

async function scene() {
  const parent = await ran();
  const spawn = (prompt: unknown, headers: Record<string, string> = {}) =>
    parent.user.call('POST', `/sessions/${parent.id}/spawn`, { prompt }, headers);
  const directory = env.DIRECTORY.get(env.DIRECTORY.idFromName(parent.user.name));
  /** How many characters of prompts the owner's directory stores. */
  const stored = () =>
    runInDurableObject(directory, (_, { storage: { sql } }) => {
      const rows = sql.exec<{ n: number | null }>('SELECT sum(length(json)) AS n FROM begun_content');
      return rows.one().n ?? 0;
    });
  return { ...parent, spawn, directory, stored };
}

describe('a child’s first prompt', () => {
  it('of blocks reaches its container whole; people see sizes in place of data', async () => {
    const { user, runner, spawn, stored } = await scene();
    const { status, body } = await spawn(BLOCKS);
    expect(status).toBe(201);
    const command = await (await runner.start(body.child_session_id)).prompt();
    expect(command).toMatchObject({ message_id: body.message_id, content: BLOCKS });
    const message = await user.call('GET', `/sessions/${body.child_session_id}/messages/${body.message_id}`);
    expect(message.body).toMatchObject({ prompt: expect.stringContaining('[image: image/png'), content: [{}, {}, {}] });
    expect(JSON.stringify(message.body)).not.toContain(btoa(png()));
    expect(await stored()).toBe(0);
  });

  it('may be as large as a message of blocks, and no larger; text alone has the limit of a body', async () => {
    const { runner, spawn } = await scene();
    const blocks = [text('Read it.'), largePdf(MAX_CONTENT_BYTES * 0.74)];
    const { status, body } = await spawn(blocks);
    expect(status).toBe(201);
    expect(await (await runner.start(body.child_session_id)).prompt()).toMatchObject({ content: blocks });
    const tooLarge = { status: 413, body: { code: 'body_too_large' } };
    expect(await spawn([largePdf(MAX_CONTENT_BYTES * 0.76)])).toMatchObject(tooLarge);
    expect(await spawn('x'.repeat(MAX_BODY_BYTES))).toMatchObject(tooLarge);
  });

  it.each([
    ['with an unknown block', [text('a'), { type: 'search_result' }], 'prompt.1.type'],
    ['with an image that is none', [image('hello')], 'prompt.0'],
    ['with a path out of the workspace', [file('image', '../x.png')], 'prompt.0.source.file'],
    ['without blocks', [], 'prompt'],
    ['that is empty', '', 'prompt'],
  ])('%s is refused as in a chat, and no child comes to be', async (_, prompt, path) => {
    const { user, id, spawn } = await scene();
    expect(await spawn(prompt)).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ path }] },
    });
    expect((await user.call('GET', `/sessions/${id}/children`)).body.data).toEqual([]);
  });

  it('of blocks is one for two calls with the same Idempotency-Key, and another for other data', async () => {
    const { spawn } = await scene();
    const key = { 'idempotency-key': 'k' };
    const one = await spawn(BLOCKS, key);
    expect((await spawn(BLOCKS, key)).body.child_session_id).toBe(one.body.child_session_id);
    const other = await spawn([text('What is this?'), image(png(2, 1)), file('document', 'plan.md')], key);
    expect(other.body.code).toBe('idempotency_key_reused');
  });

  it('of blocks is there still when the call that creates the child is cut off and comes again', async () => {
    const { user, id, runner, directory, stored } = await scene();
    const message_id = crypto.randomUUID();
    const childId = '01900000-0000-7000-8000-0000000000c1';
    await runInDurableObject(directory, async (own, ctx) => {
      const SESSION = { idFromName: (name: string) => name, get: () => ({ create: cutOff }) };
      const others: EdgeEnv = Object.assign(Object.create(null), env, { SESSION });
      const prompt = z.array(contentBlock).parse(BLOCKS);
      const input = {
        session_id: childId,
        owner: user.name,
        request: createSessionRequest.parse({}),
        idempotency_key: 'k',
        child: { parent: id, title: null, message_id, webhook: null, inherits: null },
        prompt,
        asked: 'x',
      };
      await expect(new Directory(ctx, others).spawn(input)).rejects.toThrow('cut off');
      expect(await own.spawnedBefore('k', 'x', user.name)).toMatchObject({ child: { message_id } });
    });
    expect(await (await runner.start(childId)).prompt()).toMatchObject({ message_id, content: BLOCKS });
    expect(await stored()).toBe(0);
  });
});
