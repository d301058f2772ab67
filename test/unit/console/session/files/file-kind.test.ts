import { expect, test } from 'vitest';
import { kindOf } from '../../../../../console/session/files/file-kind.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

test('a file is what it holds, whatever it is called', () => {
  expect(kindOf(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0), true)).toEqual({
    kind: 'image',
    mediaType: 'image/png',
  });
  expect(kindOf(Uint8Array.from(bytes('RIFF1234WEBPVP8 ')), true)).toEqual({ kind: 'image', mediaType: 'image/webp' });
  expect(kindOf(bytes('RIFF1234WAVE'), true)).toEqual({ kind: 'text', text: 'RIFF1234WAVE' });
  expect(kindOf(bytes('<svg xmlns="…"/>'), true), 'an SVG may run scripts: it is shown as its text').toMatchObject({
    kind: 'text',
  });
  expect(kindOf(bytes('a\0b'), true)).toEqual({ kind: 'binary' });
  expect(kindOf(Uint8Array.of(0xff, 0xfe, 0x41), true)).toEqual({ kind: 'binary' });
  expect(kindOf(new Uint8Array(), true)).toEqual({ kind: 'text', text: '' });
});

test('a text that is cut within a character is a text still', () => {
  const cut = bytes('naïve').subarray(0, 3);
  expect(kindOf(cut, false)).toEqual({ kind: 'text', text: 'na' });
  expect(kindOf(cut, true)).toEqual({ kind: 'binary' });
});
