import { expect, test } from 'vitest';
import { isPreviewFrame } from '../../../../protocol/link/wrapper/preview-frame.ts';
import { wrapperFrame } from '../../../../protocol/link/wrapper/wrapper-notice.ts';

test('what is taken for a preview without the schema fits the schema, and is left as it came', () => {
  const line = '{"type":"stream_event"}';
  const frames: readonly unknown[] = [
    { kind: 'preview', line },
    { line, kind: 'preview' },
    { kind: 'preview', line: '' },
    { kind: 'preview', line: 1 },
    { kind: 'preview' },
    { kind: 'preview', line, newer: 1 },
    { kind: 'host', line },
    { kind: 'items', first: 1, items: [line] },
    ['preview', line],
    'preview',
    null,
    undefined,
    // The last one counts, for both.
    JSON.parse(`{"kind":"preview","line":"x","kind":"host"}`),
  ];
  const taken = frames.map(isPreviewFrame);
  expect(taken).toEqual([true, true, true, ...Array<boolean>(10).fill(false)]);
  for (const frame of frames.filter(isPreviewFrame)) expect(wrapperFrame.parse(frame)).toEqual(frame);
});
