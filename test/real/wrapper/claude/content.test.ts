import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { expect, test } from 'vitest';
import { contentBlock } from '../../../../protocol/content/blocks.ts';
import { MAX_LINE_BYTES } from '../../../../protocol/settings/limits.ts';
import { file, image, pdf, pdfDocument, png, text } from '../../../support/content/samples.ts';
import { Stage } from '../../../support/wrapper/run-wrapper.ts';
import type { SessionSide } from '../../../support/wrapper/session-side.ts';

const messages = z.array(z.looseObject({ role: z.string(), content: z.union([z.string(), z.array(z.unknown())]) }));

/** A session whose model answers "ok", and the blocks that it was sent with each message. */
async function scene(): Promise<Stage & { heard: unknown[][] }> {
  const heard: unknown[][] = [];
  const stage = await Stage.open((latest, _, tools) => {
    // Claude Code asks a model for other things too, as for a title.
    if (tools.length > 0) heard.push(messages.parse(JSON.parse(latest)).flatMap(({ content }) => content));
    return [{ words: ['ok'] }];
  });
  await stage.start();
  await stage.session.notice('ready');
  return Object.assign(stage, { heard });
}

function give(session: SessionSide, ...blocks: object[]): string {
  const message_id = crypto.randomUUID();
  const content = blocks.map((block) => contentBlock.parse(block));
  session.order({ command: 'prompt', message_id, prompt: 'as text', content });
  return message_id;
}

/** The end of the turn of this message. */
const ended = (session: SessionSide, id: string) =>
  session.until(() =>
    session.lines.find((line) => line['type'] === 'result' && String(line['user_message_uuids']).includes(id)),
  );

test('images, documents and files of the workspace reach the model, and the log has their sizes', async () => {
  await using stage = await scene();
  const { session, heard } = stage;
  writeFileSync(stage.path('workspace/shot.png'), png(), 'latin1');
  writeFileSync(stage.path('workspace/notes.txt'), 'Grüße');
  const said = [text('What is this?'), image(png()), pdfDocument(pdf(1), 'Plan')];
  const id = give(session, ...said, file('image', 'shot.png'), file('document', 'notes.txt'));
  expect(await ended(session, id)).toMatchObject({ is_error: false, result: 'ok' });
  const notes = {
    type: 'document',
    title: 'notes.txt',
    source: { type: 'text', media_type: 'text/plain', data: 'Grüße' },
  };
  for (const block of [...said, image(png()), notes]) {
    expect(heard[0]).toContainEqual(expect.objectContaining(block));
  }
  const replay = session.lines.find((line) => line['uuid'] === id);
  expect(replay).toMatchObject({
    isReplay: true,
    message: {
      content: [
        said[0],
        { type: 'image', source: { type: 'base64', media_type: 'image/png', bytes: expect.any(Number) } },
        { type: 'document', title: 'Plan', source: { media_type: 'application/pdf', bytes: pdf(1).length } },
        { type: 'image', source: { bytes: expect.any(Number) } },
        { type: 'document', source: { type: 'text', bytes: 7 } },
      ],
    },
  });
  expect(JSON.stringify(session.items)).not.toContain(btoa(pdf(1)));
});

test('a document of which one line would be too long for the log is given all the same', async () => {
  await using stage = await scene();
  const { session, heard } = stage;
  const large = pdfDocument(pdf(1, `%${'x'.repeat(MAX_LINE_BYTES * 0.76)}\n`));
  const id = give(session, text('Read it.'), large);
  expect(await ended(session, id)).toMatchObject({ result: 'ok' });
  expect(JSON.stringify(heard[0])).toContain(large.source.data);
  expect(session.lines).toContainEqual(expect.objectContaining({ uuid: id, isReplay: true }));
  expect(session.all('oversized')).toEqual([]);
});

test('a file that cannot be given ends its message alone, with the reason', async () => {
  await using stage = await scene();
  const { session, heard } = stage;
  mkdirSync(stage.path('workspace/docs'));
  symlinkSync('/etc/hostname', stage.path('workspace/host'));
  symlinkSync('..', stage.path('workspace/up'));
  execFileSync('mkfifo', [stage.path('workspace/pipe')]);
  const refused: [string, string][] = [
    ['host', 'host lies outside the workspace.'],
    ['up/launch.json', 'up/launch.json lies outside the workspace.'],
    ['gone.txt', 'gone.txt is not there.'],
    ['docs', 'docs is not a file.'],
    ['pipe', 'pipe is not a file.'],
  ];
  const ids = refused.map(([name]) => give(session, text('Read it.'), file('document', name)));
  const after = give(session, text('And this?'));
  expect(await ended(session, after)).toMatchObject({ result: 'ok' });
  expect(session.all('prompt_refused')).toEqual(
    refused.map(([, detail], n) => ({ notice: 'prompt_refused', message_id: ids[n], detail })),
  );
  expect(heard).toHaveLength(1);
});
