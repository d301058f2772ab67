import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { contentBlock } from '../../../../protocol/content/blocks.ts';
import { MAX_CONTENT_BYTES } from '../../../../protocol/settings/limits.ts';
import { userContent } from '../../../../wrapper/conversation/user-content.ts';
import { file, image, pdf, png, text } from '../../../support/content/samples.ts';
import { scratch } from '../../../support/scratch.ts';

/** A workspace, and beside it a folder with a secret. */
function scene() {
  const top = scratch();
  const [workspace, outside] = [path.join(top, 'workspace'), path.join(top, 'outside')];
  mkdirSync(workspace);
  mkdirSync(outside);
  writeFileSync(path.join(outside, 'secret.txt'), 'secret');
  const put = (name: string, bytes: string, encoding: BufferEncoding = 'latin1') =>
    writeFileSync(path.join(workspace, name), bytes, encoding);
  const link = (target: string, name: string) => symlinkSync(target, path.join(workspace, name));
  const give = (...blocks: object[]) =>
    userContent(
      {
        command: 'prompt',
        message_id: '0190a0a0-0000-7000-8000-000000000001',
        prompt: 'as text',
        content: blocks.map((block) => contentBlock.parse(block)),
      },
      workspace,
    );
  return { workspace, outside, put, link, give };
}

test('files become what they are, whatever they are called', async () => {
  const { workspace, put, give } = scene();
  mkdirSync(path.join(workspace, 'docs'));
  put('a.jpg', png());
  put('docs/plan', pdf(2));
  put('notes.pdf', 'Grüße', 'utf8');
  const given = [file('image', 'a.jpg'), file('document', 'docs/plan'), file('document', 'notes.pdf')];
  expect(await give(text('see'), ...given, { ...file('document', 'notes.pdf'), title: 'Mine' })).toEqual([
    text('see'),
    image(png()),
    {
      type: 'document',
      title: 'plan',
      source: { type: 'base64', media_type: 'application/pdf', data: btoa(pdf(2)) },
    },
    { type: 'document', title: 'notes.pdf', source: { type: 'text', media_type: 'text/plain', data: 'Grüße' } },
    { type: 'document', title: 'Mine', source: { type: 'text', media_type: 'text/plain', data: 'Grüße' } },
  ]);
});

test('symlinks are followed within the workspace, and never out of it', async () => {
  const { workspace, outside, put, link, give } = scene();
  put('real.png', png());
  link('real.png', 'link.png');
  expect(await give(file('image', 'link.png'))).toEqual([image(png())]);
  link('../outside/secret.txt', 'out.txt');
  link(outside, 'out');
  link('out', 'twice');
  link(workspace, 'self');
  for (const name of ['out.txt', 'out/secret.txt', 'twice/secret.txt', 'self/out.txt']) {
    expect(await give(file('document', name))).toEqual({ refused: `${name} lies outside the workspace.` });
  }
  expect(await give(file('image', 'self/real.png'))).toEqual([image(png())]);
});

test('the name of the folder beside it is not taken for the workspace’s', async () => {
  const { workspace, link, give } = scene();
  mkdirSync(`${workspace}-2`);
  writeFileSync(`${workspace}-2/secret.txt`, 'secret');
  link('../workspace-2/secret.txt', 'near.txt');
  expect(await give(file('document', 'near.txt'))).toEqual({ refused: 'near.txt lies outside the workspace.' });
});

test.each([
  ['is not there', 'gone.png', 'gone.png is not there.'],
  ['is a folder', 'docs', 'docs is not a file.'],
  ['is no image', 'notes.txt', 'notes.txt is no JPEG, PNG, GIF or WebP image.'],
  ['is too wide', 'wide.png', /^wide.png is an image of 9000 × 1 pixels, and 8000/],
  ['leads nowhere', 'loop', 'loop is a symlink that leads nowhere.'],
])('an image that %s is refused', async (_, name, refused) => {
  const { workspace, put, link, give } = scene();
  mkdirSync(path.join(workspace, 'docs'));
  put('notes.txt', 'text');
  put('wide.png', png(9000, 1));
  link('loop', 'loop');
  expect(await give(file('image', name))).toEqual({
    refused: typeof refused === 'string' ? refused : expect.stringMatching(refused),
  });
});

test.each([
  ['neither PDF nor text', 'binary', 'binary is neither a PDF nor text in UTF-8.'],
  ['text with a zero byte', 'zero', 'zero is neither a PDF nor text in UTF-8.'],
  ['empty', 'empty', 'empty must not be blank.'],
  ['of too many pages', 'long.pdf', 'The message has PDFs of 101 pages, and 100 are the most.'],
  ['too large', 'large', /^large has \d+ bytes, and a message holds/],
])('a document that is %s is refused', async (_, name, refused) => {
  const { put, give } = scene();
  put('binary', '\xff\xfe\x80');
  put('zero', 'a\0b');
  put('empty', '');
  put('long.pdf', pdf(101));
  put('large', 'x'.repeat(MAX_CONTENT_BYTES + 1));
  expect(await give(text('see'), file('document', name))).toEqual({
    refused: typeof refused === 'string' ? refused : expect.stringMatching(refused),
  });
});

test('files that are too much together are refused', async () => {
  const { put, give } = scene();
  put('half.pdf', pdf(1) + ' '.repeat(MAX_CONTENT_BYTES / 2));
  const refused = await give(file('document', 'half.pdf'), file('document', 'half.pdf'));
  expect(refused).toEqual({ refused: `The message would have more than ${MAX_CONTENT_BYTES} bytes with its files.` });
});

test('a message without blocks is its text', async () => {
  const { workspace } = scene();
  const command = { command: 'prompt', message_id: '0190a0a0-0000-7000-8000-000000000001', prompt: 'text' } as const;
  expect(await userContent(command, workspace)).toEqual([text('text')]);
});
