import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, savedName } from '../../../../console/safe/image/bytes-of.ts';
import { pictureOf } from '../../../../console/safe/image/picture.ts';

function png(width: number, height: number): Uint8Array {
  const bytes = Buffer.from('89504e470d0a1a0a0000000d4948445200000000000000000802000000', 'hex');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

function gif(width: number, height: number): Uint8Array {
  const bytes = Buffer.from('GIF89a0000......');
  bytes.writeUInt16LE(width, 6);
  bytes.writeUInt16LE(height, 8);
  return bytes;
}

/** A comment's segment, then the frame's. */
const jpeg = Buffer.from('ffd8fffe00044142ffc0001108000a00140301ffd9', 'hex');
const webp = Buffer.concat([Buffer.from('RIFF....WEBPVP8X........', 'latin1'), Buffer.from('130000090000ffff', 'hex')]);

describe('a picture', () => {
  test('is what its first bytes say, with its size', () => {
    expect(pictureOf('image/png', png(20, 10))).toEqual({ ok: true, kind: 'image/png', width: 20, height: 10 });
    expect(pictureOf('IMAGE/GIF', gif(20, 10))).toEqual({ ok: true, kind: 'image/gif', width: 20, height: 10 });
    expect(pictureOf('image/jpeg', jpeg)).toEqual({ ok: true, kind: 'image/jpeg', width: 20, height: 10 });
    expect(pictureOf('image/webp', webp)).toEqual({ ok: true, kind: 'image/webp', width: 20, height: 10 });
  });

  test.each([
    ['image/png', gif(1, 1)],
    ['image/svg+xml', Buffer.from('<svg onload="alert(1)"/>')],
    ['text/html', png(1, 1)],
    ['image/png', Buffer.from('<script>alert(1)</script>')],
    ['image/png', Buffer.alloc(0)],
    ['image/jpeg', Buffer.from('ffd8ff', 'hex')],
    ['image/jpeg', Buffer.from('ffd8fffe0000fffe0000', 'hex')],
    ['constructor', png(1, 1)],
    ['image/png', png(0, 10)],
  ])('%s with other bytes is none', (type, bytes) => {
    expect(pictureOf(type, bytes)).toEqual({ ok: false, why: 'type' });
  });

  test('that unpacks to gigabytes is not shown', () => {
    expect(pictureOf('image/png', png(50_000, 50_000))).toEqual({ ok: false, why: 'size' });
  });

  test('of any bytes throws nothing, and ends', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('image/png', 'image/jpeg', 'image/gif', 'image/webp'),
        fc.constantFrom('', 'GIF89a', 'RIFF....WEBPVP8L', '\u00ff\u00d8\u00ff', '\u0089PNG\r\n\u001a\n'),
        fc.uint8Array({ maxLength: 60 }),
        (type, head, bytes) => {
          pictureOf(type, Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
        },
      ),
    );
  });
});

test('what is no base64, and what is too much, is said', () => {
  expect(bytesOf('AQID')).toEqual(new Uint8Array([1, 2, 3]));
  expect(bytesOf('<script>')).toBe('not base64');
  expect(bytesOf('A'.repeat(12_000_000))).toBe('too long');
});

test.each([
  ['../../etc/passwd', 'passwd'],
  ['C:\\x\\y.png', 'y.png'],
  ['evil\u202egnp.exe', 'evil_gnp.exe'],
  ['.bashrc', 'bashrc'],
  ['a\u0000b\n.png ', 'a_b_.png'],
  ['...', 'file.bin'],
  ['', 'file.bin'],
])('a file called %j is saved as %j', (name, expected) => {
  expect(savedName(name, 'file.bin')).toBe(expected);
});
