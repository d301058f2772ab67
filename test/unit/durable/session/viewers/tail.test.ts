import { expect, test } from 'vitest';
import type { StreamItem } from '../../../../../durable/session/core/shown.ts';
import { Batch } from '../../../../../durable/session/viewers/batch.ts';
import { Tail } from '../../../../../durable/session/viewers/tail.ts';
import { BATCH_BYTES } from '../../../../../protocol/settings/limits.ts';

const event = (seq: number, json = `{"n":${seq}}`): StreamItem => ({ seq, time: 0, type: 'assistant', json });
const preview = (text: string): StreamItem => ({ time: 0, preview: JSON.stringify(text) });
const events = (before: number, count: number): Batch =>
  new Batch(
    Array.from({ length: count }, (_, index) => event(before + index + 1)),
    before,
  );
const read = (bytes: Uint8Array): string[] =>
  new TextDecoder()
    .decode(bytes)
    .split('\n\n')
    .filter((text) => text !== '');

test('a batch is the same bytes for all who watch, in the order of its events and previews', () => {
  const batch = new Batch([preview('a'), event(8), preview('b'), event(9)], 7);
  expect([batch.before, batch.last, batch.hasEvents]).toEqual([7, 9, true]);
  expect(batch.messages(true)).toBe(batch.messages(true));
  expect(batch.messages(false)).toBe(batch.messages(false));
  expect(batch.frame).toBe(batch.frame);
  const time = '1970-01-01T00:00:00.000Z';
  const [first, second, third, fourth] = [
    `{"time":"${time}","type":"stream_event","data":"a"}`,
    `{"seq":8,"time":"${time}","type":"assistant","data":{"n":8}}`,
    `{"time":"${time}","type":"stream_event","data":"b"}`,
    `{"seq":9,"time":"${time}","type":"assistant","data":{"n":9}}`,
  ];
  expect(batch.frame).toBe(`[${[first, second, third, fourth].join(',')}]`);
  const stored = [`id: 8\nevent: assistant\ndata: ${second}`, `id: 9\nevent: assistant\ndata: ${fourth}`];
  expect(read(batch.messages(false))).toEqual(stored);
  expect(read(batch.messages(true))).toEqual([
    `event: stream_event\ndata: ${first}`,
    stored[0],
    `event: stream_event\ndata: ${third}`,
    stored[1],
  ]);
});

test('a batch of events alone, and one of previews alone', () => {
  const stored = events(0, 2);
  expect(stored.messages(true)).toBe(stored.messages(false));
  const shown = new Batch([preview('a')], 2);
  expect([shown.last, shown.hasEvents, read(shown.messages(false))]).toEqual([2, false, []]);
});

test('what a container sends cannot end a message early', () => {
  const batch = new Batch(
    [
      { seq: 1, time: 0, type: 'a\nid: 9', json: '{"b":\n"c"}' },
      { time: 0, preview: '{\r\n}' },
    ],
    0,
  );
  expect(read(batch.messages(true)).map((text) => text.split('\n').length)).toEqual([3, 2]);
});

test('places go on when batches are dropped, and who has fallen out of the tail finds where to go on', () => {
  const tail = new Tail();
  tail.push(events(0, 2));
  tail.push(new Batch([preview('a')], 2));
  tail.push(events(2, 1));
  expect([tail.end, tail.at(0)?.before, tail.at(2)?.last, tail.at(3)]).toEqual([3, 0, 3, undefined]);
  // After event 2 comes the preview first.
  expect([tail.after(0), tail.after(1), tail.after(2), tail.after(3)]).toEqual([0, 3, 1, 3]);
  tail.forget(2);
  expect([tail.end, tail.at(1), tail.at(2)?.last, tail.after(2)]).toEqual([3, undefined, 3, 2]);
  tail.forget(99);
  expect([tail.end, tail.at(2)]).toEqual([3, undefined]);
});

test('it keeps a bounded amount, and of a batch that is more than that nothing', () => {
  const tail = new Tail();
  for (let n = 0; n < 20; n += 1) tail.push(new Batch([event(n + 1, `"${'x'.repeat(BATCH_BYTES)}"`)], n));
  const kept = Array.from({ length: tail.end }, (_, place) => tail.at(place)).filter((batch) => batch !== undefined);
  expect(kept.map(({ last }) => last)).toEqual([18, 19, 20]);
  tail.push(new Batch([event(21, `"${'x'.repeat(5 * BATCH_BYTES)}"`)], 20));
  expect([tail.end, tail.at(20), tail.after(20)]).toEqual([21, undefined, 21]);
});
