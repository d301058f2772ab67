import { describe, expect, it, test } from 'vitest';
import { imageFacts } from '../../../../protocol/content/image.ts';
import { pdfFacts } from '../../../../protocol/content/pdf.ts';
import { prompt, promptText, shownBlocks } from '../../../../protocol/content/prompt.ts';
import { issuesOf } from '../../../../protocol/issues.ts';
import { file, gif, image, jpeg, pdf, pdfDocument, png, text, webp } from '../../../support/content/samples.ts';

/** What is wrong with a prompt, as "path: message". */
function wrong(said: unknown): string[] {
  const { error } = prompt.safeParse(said);
  return error === undefined ? [] : issuesOf(error).map(({ path, message }) => `${path}: ${message}`);
}

test.each([
  ['image/png', png(300, 7)],
  ['image/gif', gif(300, 7)],
  ['image/jpeg', jpeg(300, 7)],
  ['image/webp', webp.lossy(300, 7)],
  ['image/webp', webp.lossless(300, 7)],
  ['image/webp', webp.extended(300, 7)],
])('the header of an image of %s tells its type and size', (media_type, bytes) => {
  expect(imageFacts(bytes)).toEqual({ media_type, size: { width: 300, height: 7 } });
});

test.each([['text'], ['<svg/>'], [''], ['%PDF-1.4'], ['RIFF....WAVE']])('%j is no image', (bytes) => {
  expect(imageFacts(bytes)).toBeNull();
});

test.each([[png(9, 9)], [jpeg(9, 9)], [gif(9, 9)], [webp.lossy(9, 9)], [webp.lossless(9, 9)], [webp.extended(9, 9)]])(
  'an image that is cut off within its header has no size, and is looked at to its end',
  (bytes) => {
    for (let length = 12; length < Math.min(bytes.length, 40); length += 1) {
      const size = imageFacts(bytes.slice(0, length))?.size ?? { width: 9, height: 9 };
      expect(size).toEqual({ width: 9, height: 9 });
    }
  },
);

/** The beginning of a PDF that is made for the web, of 1000 bytes. */
const linearized = (pages: number) => {
  const head = (length: number) => `%PDF-1.5\n1 0 obj<</Linearized 1/L ${length}/O 3/N ${pages}/T 9>>endobj\n%`;
  return head(1000) + 'x'.repeat(1000 - head(1000).length);
};

describe('the pages of a PDF', () => {
  it.each([
    ['are counted by the root of its tree', pdf(7), 7],
    ['are those of its newest version', pdf(7) + pdf(3), 3],
    ['are not those of a part of its tree', pdf(7, '9 0 obj<</Type/Pages/Count 2/Parent 2 0 R>>endobj\n'), 7],
    ['are said at its beginning, if it is made for the web', linearized(12), 12],
    ['are not known, if something was appended to one made for the web', `${linearized(12)}x`, null],
    ['are not known, if they are compressed', '%PDF-1.7\nstream…endstream', null],
  ])('%s', (_, bytes, pages) => {
    expect(pdfFacts(bytes)).toEqual({ isEncrypted: false, pages });
  });
});

test('blocks within the limits are taken as they are, and text too', () => {
  const blocks = [
    text('look'),
    image(png()),
    image(jpeg(8000, 8000), 'image/jpeg'),
    pdfDocument(pdf(100), 'Plan'),
    { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'notes' } },
    file('image', 'shots/a b.png'),
    file('document', 'a..b/..c.pdf'),
  ];
  expect(prompt.parse(blocks)).toEqual(blocks);
  expect(prompt.parse('text')).toBe('text');
});

const [red] = [image(png())];

test.each([
  ['nothing', '', /^: must not be empty/],
  ['no blocks', [], /^: must not be empty/],
  ['a number', 5, /^: must be text, or an array of blocks/],
  [
    'a block of a type that Claude Code would pass on',
    [text('a'), { type: 'hologram' }],
    /^1.type: must be text, image/,
  ],
  ['a tool’s result', [{ type: 'tool_result', tool_use_id: 'x', content: 'y' }], /^0.type: must be text, image/],
  ['a field that Claude Code would pass on', [{ ...text('a'), cache_control: {} }], /^0: .*cache_control/],
  ['text that is blank', [text(' \n')], /^0: must not be blank/],
  ['an image by its address', [{ type: 'image', source: { type: 'url', url: 'https://x.test' } }], /^0.source/],
  ['an image of another type', [image(png(), 'image/tiff')], /^0.source.media_type/],
  ['an image that is of another type than it says', [image(png(), 'image/gif')], /^0: is image\/png, not image\/gif/],
  ['an image that is none', [image('hello')], /^0: is no JPEG, PNG, GIF or WebP/],
  ['an image that is too wide', [image(png(8001, 1))], /^0: .*8001 × 1 pixels, and 8000/],
  ['an image that is too large', [image(png() + 'x'.repeat(5 * 1024 * 1024))], /^0: .*5 MiB, and 5 MiB/],
  ['base64 with a line break', [{ ...red, source: { ...red.source, data: 'iVBO\nRw0K' } }], /^0: is not base64/],
  ['base64 for URLs', [{ ...red, source: { ...red.source, data: '_-__' } }], /^0: is not base64/],
  ['base64 that is cut off', [{ ...red, source: { ...red.source, data: 'iVBOR' } }], /^0: is not base64/],
  ['a document that is no PDF', [pdfDocument('hello')], /^0: is no PDF/],
  ['a PDF with a password', [pdfDocument(pdf(1, '9 0 obj<</Encrypt 8 0 R>>endobj'))], /^0: .*encrypted/],
  ['too many pages', [pdfDocument(pdf(60)), text('and'), pdfDocument(pdf(41))], /^: .*101 pages, and 100 are/],
  ['too many images', Array.from({ length: 101 }, () => red), /^: .*101 images and documents, and 100/],
  ['too much text', [text('ä'.repeat(300_000)), text('ä'.repeat(300_000))], /^: .*of text, and 1 MiB/],
  ['a path from the root', [file('image', '/etc/passwd')], /^0.source.file: .*within the workspace/],
  ['a path that leads out', [file('document', 'a/../../b')], /^0.source.file: .*within the workspace/],
])('%s is refused with a sentence', (_, said, sentence) => {
  expect(wrong(said)[0]).toMatch(sentence);
});

test('events and lists have sizes in place of data', () => {
  const blocks = prompt.parse([
    text('Look at this:'),
    image(png()),
    pdfDocument(pdf(1), 'The "plan"'),
    { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'ä' } },
    file('image', 'shots/a.png'),
  ]);
  if (typeof blocks === 'string') throw new Error('these are blocks');
  expect(shownBlocks(blocks)).toEqual([
    { type: 'text', text: 'Look at this:' },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', bytes: png().length } },
    {
      type: 'document',
      title: 'The "plan"',
      source: { type: 'base64', media_type: 'application/pdf', bytes: pdf(1).length },
    },
    { type: 'document', source: { type: 'text', media_type: 'text/plain', bytes: 2 } },
    { type: 'image', source: { file: 'shots/a.png' } },
  ]);
  expect(promptText(blocks).split('\n')).toEqual([
    'Look at this:',
    `[image: image/png, ${png().length} bytes]`,
    `[document: "The \\"plan\\"", application/pdf, ${pdf(1).length} bytes]`,
    '[document: text/plain, 2 bytes]',
    '[image: shots/a.png]',
  ]);
});
