import { expect, test } from 'vitest';
import type { StoredEvent, StreamItem } from '../../../../../durable/session/core/shown.ts';
import { Batch } from '../../../../../durable/session/viewers/batch.ts';
import { EventStreams } from '../../../../../durable/session/viewers/event-stream.ts';

/** A log in memory, which counts how often it is read. */
class MemoryLog {
  readonly events: StoredEvent[] = [];
  reads = 0;

  first(): number {
    return 1;
  }

  read(after: number, limit: number): StoredEvent[] {
    this.reads += 1;
    return this.events.slice(after, after + limit);
  }
}

/** A session's streams, and what its container says. */
function begin(): { log: MemoryLog; streams: EventStreams; say: (json: string) => void; show: (n: number) => void } {
  const log = new MemoryLog();
  const streams = new EventStreams(log, { left: () => {}, sent: () => {} });
  const publish = (items: StreamItem[], before: number) => streams.publish(new Batch(items, before));
  const say = (json: string): void => {
    const seq = log.events.length + 1;
    const event = { seq, time: 0, type: 'assistant', json };
    log.events.push(event);
    publish([event], seq - 1);
  };
  const show = (n: number): void => void publish([{ time: 0, preview: `{"p":${n}}` }], log.events.length);
  return { log, streams, say, show };
}

/** What comes of a stream: `seq` of an event, `p…` of a preview. */
class Reader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly got: string[] = [];

  constructor(streams: EventStreams, previews: boolean) {
    const options = { after: 0, previews, expires: Number.MAX_SAFE_INTEGER, jti: null, issued: null };
    this.#reader = streams.open(options).getReader();
  }

  async until(what: string): Promise<void> {
    while (!this.got.includes(what)) {
      const { value } = await this.#reader.read();
      const text = new TextDecoder().decode(value);
      for (const [, seq, n] of text.matchAll(/^id: (\d+)$|"p":(\d+)/gm)) this.got.push(seq ?? `p${n ?? ''}`);
    }
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => String(index + 1));

test('who keeps up gets each event once and in order, with the previews if they ask for them, and the log is not read', async () => {
  const { log, streams, say, show } = begin();
  const [plain, full] = [new Reader(streams, false), new Reader(streams, true)];
  say('{}');
  await Promise.all([plain.until('1'), full.until('1')]);
  const before = log.reads;
  for (let n = 2; n <= 50; n += 1) {
    show(n);
    say('{}');
    if (n % 3 === 0) await full.until(String(n));
  }
  await Promise.all([plain.until('50'), full.until('50')]);
  expect(plain.got).toEqual(upTo(50));
  expect(full.got).toEqual([
    '1',
    ...upTo(50)
      .slice(1)
      .flatMap((seq) => [`p${seq}`, seq]),
  ]);
  expect(log.reads).toBe(before);
  for (const reader of [plain, full]) await reader.cancel();
});

test('who stops while more comes than is kept for all misses previews alone, and has them again when they keep up', async () => {
  const { streams, say, show } = begin();
  const [quick, slow] = [new Reader(streams, false), new Reader(streams, true)];
  say('{}');
  await slow.until('1');
  const much = JSON.stringify('x'.repeat(200_000));
  for (let n = 2; n <= 30; n += 1) {
    show(n);
    say(much);
    await quick.until(String(n));
  }
  await slow.until('30');
  const events = slow.got.filter((one) => !one.startsWith('p'));
  expect(events).toEqual(upTo(30));
  expect(slow.got).not.toContain('p15');
  expect(quick.got).toEqual(upTo(30));
  show(31);
  say('{}');
  await slow.until('31');
  expect(slow.got.slice(-2)).toEqual(['p31', '31']);
  for (const reader of [quick, slow]) await reader.cancel();
});
