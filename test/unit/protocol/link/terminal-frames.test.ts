import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  encodeFrame,
  FrameReader,
  MAX_FRAME_BYTES,
  type Frame,
} from '../../../../protocol/link/terminal/terminal-frames.ts';

const kind = fc.constantFrom<0 | 1 | 2 | 3>(0, 1, 2, 3);

test('frames are whole however the stream is cut', () => {
  const frames = fc.array(fc.record({ kind, bytes: fc.uint8Array({ maxLength: 50 }) }), { maxLength: 8 });
  fc.assert(
    fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 30 })), (sent, sizes) => {
      const stream = Buffer.concat(sent.map(({ kind, bytes }) => encodeFrame(kind, bytes)));
      const reader = new FrameReader();
      const got: Frame[] = [];
      for (let at = 0; at < stream.length;) {
        const size = sizes.next().value;
        got.push(...(reader.push(stream.subarray(at, at + size)) ?? []));
        at += size;
      }
      expect(got.map(({ kind, bytes }) => ({ kind, bytes: [...bytes] }))).toEqual(
        sent.map(({ kind, bytes }) => ({ kind, bytes: [...bytes] })),
      );
    }),
  );
});

const header = (kind: number, length: number) => {
  const bytes = Buffer.alloc(5);
  bytes[0] = kind;
  bytes.writeUInt32BE(length, 1);
  return bytes;
};

test('what is no frame, or too long, ends the reading', () => {
  for (const bad of [header(4, 1), header(0, MAX_FRAME_BYTES + 1)]) {
    const reader = new FrameReader();
    expect(reader.push(bad)).toBeNull();
    expect(reader.push(encodeFrame(1, Uint8Array.of(1)))).toBeNull();
  }
});
