import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { isPreview, type PreviewEvent, type SessionEvent } from '../../../../client/main.ts';
import type { Item, ToolItem } from '../../../../console/transcript/item.ts';
import { toolLine } from '../../../../console/transcript/tools/tool-line.ts';
import { toolState } from '../../../../console/transcript/tools/tool-state.ts';
import { Transcript } from '../../../../console/transcript/transcript.ts';
import { longLog, recordedLog } from '../../../support/console/logs/recorded-log.ts';

const turns = recordedLog('turns');
const previews = recordedLog('previews');
const stored = previews.filter((event) => !isPreview(event));

function itemsOf(events: readonly (SessionEvent | PreviewEvent)[]): readonly Item[] {
  const transcript = new Transcript();
  for (const event of events) transcript.add(event);
  return transcript.items;
}

const upTo = (seq: number) => itemsOf(turns.filter((event) => (event.seq ?? 0) <= seq));
const isAgent = (item: Item): item is ToolItem => item.kind === 'tool' && item.name === 'Task';

/** An item in a few words. */
function words(item: Item): string {
  switch (item.kind) {
    case 'tool': {
      const { name, what, changed } = toolLine(item);
      const lines = changed === undefined ? '' : ` +${changed.added} -${changed.removed}`;
      const inner = item.children.length === 0 ? '' : ` (${item.children.map(words).join('; ')})`;
      return `${name} ${what}${lines}: ${toolState(item)}${inner}`;
    }
    case 'prompt':
      return `prompt ${item.state}${item.isSteered ? ', steered' : ''}`;
    case 'turn':
      return `turn ${item.status}: $${item.figures?.costUsd?.toFixed(2)}`;
    case 'text':
      return `says ${item.text.slice(0, 10).trim()}`;
    case 'notice':
      return `notice ${item.text.slice(0, 40)}`;
    case 'interaction':
      return `asked: ${item.state} by ${item.resolvedBy}`;
    default:
      return item.kind;
  }
}

describe('a recorded log', () => {
  test('is read as what a person has seen', () => {
    expect(itemsOf(turns).map(words)).toEqual([
      'notice The session starts',
      'notice Claude Code 2.1.330 is ready',
      'prompt completed',
      'says I am the d',
      'Write hello.md +3 -0: done',
      'says I wrote /w',
      'turn completed: $0.13',
      'prompt completed',
      'thinking',
      'says I will **l',
      'Bash ls -la; echo done: done',
      'Edit hello.md: failed',
      'says It said: <',
      'turn completed: $0.20',
      'prompt completed',
      'Write a.ts +3 -0: done',
      'Read a.ts: done',
      'Edit a.ts +2 -1: done',
      'Grep const: failed',
      'Glob *.ts: failed',
      'To do 1 of 2 done: Doing two: failed',
      'says Done.',
      'turn completed: $0.41',
      'prompt completed',
      'Agent general-purpose Look around: done (Bash echo in sub: done; says The subage)',
      'says The agent',
      'turn completed: $0.18',
      'begin',
      'says I am the d',
      'turn completed: $0.12',
      'prompt completed',
      'Bash sleep 4; echo bg: done',
      'says Started.',
      'turn completed: $0.15',
      'begin',
      'says I am the d',
      'turn completed: $0.08',
      'prompt completed',
      'Bash exit 3: failed',
      'Read /nope: failed',
      'says Failures s',
      'turn completed: $0.23',
      'prompt failed',
      'notice The model does not answer (529 overloade',
      'turn failed: $0.00',
      'prompt failed',
      "notice Opus 5.5's safeguards stopped the respon",
      'notice Claude Code told the agent',
      'turn failed: $0.15',
      'prompt completed',
      'Bash sleep 3: done',
      'prompt completed, steered',
      'prompt withdrawn',
      'says slept',
      'turn completed: $0.16',
      'prompt completed',
      'says I am the d',
      'turn completed: $0.08',
      'prompt interrupted',
      'says Long Long',
      'turn interrupted: $0.08',
      'prompt completed',
      'says I am the d',
      'turn completed: $0.08',
      'prompt completed',
      'notice A new conversation begins. The agent has',
      'turn completed: $0.00',
    ]);
  });

  test('shows a question where it was asked, with who answered it', () => {
    expect(itemsOf(stored).map(words)).toContain('asked: resolved by me');
  });

  test('shows what runs in the background until it has ended', () => {
    const states = [84, 91, 97].map((seq) => upTo(seq).filter(isAgent).map(toolState));
    expect(states).toEqual([['running'], ['background'], ['done']]);
  });

  test('says of a message that waits, that it waits, at the end', () => {
    expect(upTo(213).slice(-1).map(words)).toEqual(['prompt queued']);
  });
});

describe('previews', () => {
  test('are shown while a message is written, and give way to it', () => {
    const transcript = new Transcript();
    let longest = '';
    for (const event of previews) {
      transcript.add(event);
      const live = transcript.items.filter((item) => item.kind === 'preview');
      // A message that is there is not shown a second time.
      if (event.type === 'assistant') expect(live).toEqual([]);
      for (const { block, text } of live) if (block === 'text' && text.length > longest.length) longest = text;
    }
    expect(longest).toBe('One two three four.');
    expect(transcript.items).toEqual(itemsOf(stored));
  });

  test('change nothing of what is stored, however they are cut', () => {
    // Where each connection breaks: what is written until the next message begins is missed, or half of it.
    const missed = fc.array(fc.boolean(), { minLength: previews.length, maxLength: previews.length });
    fc.assert(
      fc.property(missed, fc.nat(previews.length), (isMissed, breaksAt) => {
        const transcript = new Transcript();
        for (const [index, event] of previews.entries()) {
          if (index === breaksAt) transcript.dropPreviews();
          if (isPreview(event) && isMissed[index] === true) continue;
          transcript.add(event);
          const shown = transcript.items.filter(({ kind }) => kind !== 'preview');
          // Each look gives what is stored up to there.
          if (index % 17 === 0) {
            const before = previews.slice(0, index + 1).filter((one) => !isPreview(one));
            expect(shown).toEqual(itemsOf(before));
          }
        }
        expect(transcript.items).toEqual(itemsOf(stored));
      }),
      { numRuns: inject('generatedRuns') },
    );
  });
});

test('looking at it between two events, or not, gives the same', () => {
  const events = [...turns];
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(events.length)), (looks) => {
      const transcript = new Transcript();
      for (const [index, event] of events.entries()) {
        transcript.add(event);
        if (looks.includes(index)) expect(transcript.items.length).toBeGreaterThanOrEqual(0);
      }
      expect(transcript.items).toEqual(itemsOf(events));
    }),
    { numRuns: Math.ceil(inject('generatedRuns') / 4) },
  );
});

test('an event that was not read with the one before it is not lost, wherever the log is entered', () => {
  const whole = new Set(itemsOf(turns).map(({ key }) => key));
  for (let from = 1; from < turns.length; from += 1) {
    const items = itemsOf(turns.slice(from));
    // What was begun before has a place of its own: no key stands for two items.
    const keys = items.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    const known = items.filter(({ key }) => whole.has(key)).length;
    expect(known).toBeGreaterThanOrEqual(itemsOf(turns).filter(({ seq }) => (seq ?? 0) > from + 60).length);
  }
});

test('fields of any type, and names of the language itself, are shown and break nothing', () => {
  const odd = fc.oneof(fc.jsonValue(), fc.constantFrom('__proto__', 'constructor', 'toString', 'text', 'tool_use'));
  const block = fc.dictionary(fc.constantFrom('type', 'text', 'id', 'name', 'input', 'content', 'tool_use_id'), odd);
  const data = fc.record({
    type: odd,
    subtype: fc.constantFrom('task_started', 'api_retry', 'task_updated', 'init', '__proto__', 7),
    message: fc.oneof(odd, fc.record({ id: odd, content: fc.oneof(odd, fc.array(fc.oneof(odd, block))) })),
    parent_tool_use_id: odd,
    tool_use_id: odd,
    task_id: odd,
    uuid: odd,
    event: fc.oneof(odd, fc.record({ type: odd, index: odd, delta: odd, content_block: fc.oneof(odd, block) })),
    model_usage_since_last_result: odd,
    rate_limit_info: odd,
  });
  const type = fc.constantFrom(
    'assistant',
    'user',
    'system',
    'result',
    'rate_limit_event',
    'tool_progress',
    '__proto__',
  );
  const event = fc.oneof(
    fc.record({ type, data }).map((one) => ({ ...one, seq: 1, time: '2026-01-01T00:00:00Z' })),
    data.map((one) => ({ type: 'stream_event', time: '2026-01-01T00:00:00Z', data: one })),
  );
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const numbered = events.map((one, index) => ('seq' in one ? { ...one, seq: index + 1 } : one));
      for (const item of itemsOf(numbered as unknown as SessionEvent[])) expect(words(item)).toBeTypeOf('string');
    }),
    { numRuns: inject('generatedRuns') },
  );
});

test('10,000 events are read within 300 ms of a processor', () => {
  const events = longLog(10_000);
  itemsOf(events);
  const before = process.threadCpuUsage();
  const items = itemsOf(events);
  const { user, system } = process.threadCpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(300);
  expect(items.length).toBeGreaterThan(1500);
});
