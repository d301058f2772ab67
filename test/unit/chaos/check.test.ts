import { describe, expect, it } from 'vitest';
import { violationsOf } from '../../../chaos/check.ts';
import type { SeenEvent, SessionRecord, ViewerRecord } from '../../../chaos/records.ts';

const event = (seq: number, type: string, messageId: string | null = null): SeenEvent => ({
  seq,
  type,
  what: `${seq} ${type}`,
  messageId,
});

const LOG = [
  event(1, 'session.created'),
  event(2, 'message.queued', 'm1'),
  event(3, 'assistant'),
  event(4, 'message.completed', 'm1'),
];

/** A viewer that was given these. */
const viewer = (seen: readonly SeenEvent[], ended: string | null = null): ViewerRecord => ({
  name: 'a viewer',
  seen,
  ended,
});

/** A session that has kept every promise, with a change. */
function session(change: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: 's',
    sent: [{ id: 'm1', token: 't', steps: 2 }],
    messages: [{ id: 'm1', status: 'completed' }],
    stored: LOG,
    viewers: [viewer(LOG)],
    ran: ['t 0', 't 1'],
    mostContainers: 1,
    ...change,
  };
}

const found = (change: Partial<SessionRecord>) => violationsOf({ sessions: [session(change)], refusals: [], left: [] });
const [created, queued, said, completed] = LOG as [SeenEvent, SeenEvent, SeenEvent, SeenEvent];

describe('the checker', () => {
  it('finds nothing where every promise was kept', () => {
    expect(found({})).toEqual([]);
    // One that has failed may have run a part of its steps.
    const failed = { ...completed, type: 'message.failed' };
    const stored = [created, queued, said, failed];
    const viewers = [viewer(stored)];
    expect(found({ messages: [{ id: 'm1', status: 'failed' }], stored, viewers, ran: ['t 0'] })).toEqual([]);
  });

  it.each<[string, Partial<SessionRecord>, RegExp]>([
    ['an event that is not stored', { stored: [created, queued, completed] }, /event 4 in the place of 3/],
    [
      'an event that is stored twice',
      { stored: [created, created, queued, said, completed] },
      /event 1 in the place of 2/,
    ],
    [
      'an event that a viewer was not given',
      { viewers: [viewer([created, queued, completed])] },
      /a viewer was given event 4 in the place of 3/,
    ],
    [
      'an event that a viewer was given twice',
      { viewers: [viewer([created, queued, queued, said, completed])] },
      /event 2 in the place of 3/,
    ],
    [
      'two events in another order',
      { viewers: [viewer([created, said, queued, completed])] },
      /event 3 in the place of 2/,
    ],
    [
      'the end of a log that a viewer was not given',
      { viewers: [viewer(LOG.slice(0, 2))] },
      /not given the last 2 events/,
    ],
    [
      'an event that was shown and is not stored',
      { stored: LOG.slice(0, 3), viewers: [viewer(LOG)] },
      /given 1 events that are not stored/,
    ],
    [
      'an event that was shown as another',
      { viewers: [viewer([created, queued, { ...said, what: 'other' }, completed])] },
      /another event 3/,
    ],
    ['a viewer that gave up', { viewers: [viewer(LOG, 'a full disk')] }, /was given no more: a full disk/],
    ['a message that was taken and is lost', { messages: [] }, /m1 was taken, and is lost/],
    ['a message that never ends', { messages: [{ id: 'm1', status: 'processing' }] }, /m1 is processing for ever/],
    ['a message that ended without an event', { stored: LOG.slice(0, 3), viewers: [] }, /m1 has ended 0 times/],
    ['a message that was run twice', { ran: ['t 0', 't 0', 't 1'] }, /step 0 of the message m1 was run 2 times/],
    ['a completed message whose step was not run', { ran: ['t 0'] }, /step 1 of the completed message m1 was not run/],
    [
      'a message that nobody sent',
      {
        messages: [
          { id: 'm1', status: 'completed' },
          { id: 'm2', status: 'completed' },
        ],
      },
      /2 messages, and 1 were sent/,
    ],
    ['a container that nobody looked at', { mostContainers: 0 }, /nobody has seen a container/],
    ['two containers at one time', { mostContainers: 2 }, /2 containers lived at one time/],
  ])('finds %s', (_, change, violation) => {
    const violations = found(change);
    expect(violations.filter((one) => violation.test(one))).toHaveLength(1);
  });

  it('finds messages that were begun in another order than they were sent in', () => {
    const stored = [...LOG, event(5, 'message.processing', 'm2'), event(6, 'message.processing', 'm1')];
    const sent = ['m1', 'm2'].map((id) => ({ id, token: id, steps: 0 }));
    expect(found({ sent, stored, viewers: [] })).toContain('session s: the message m2 was begun in the place of m1');
  });

  it.each([
    ['a fault of the service', { code: 'internal_error', status: 500, detail: 'The log says more.' }, /with a fault/],
    ['a refusal without a word', { code: 'disk_low', status: 507, detail: '' }, /disk_low and without a sentence/],
    ['a full disk that is no 507', { code: 'disk_low', status: 500, detail: 'The disk is full.' }, /answered with 500/],
  ])('finds %s', (_, refusal, violation) => {
    expect(violationsOf({ sessions: [], refusals: [refusal, refusal], left: [] })).toEqual([
      expect.stringMatching(violation),
    ]);
    const good = { code: 'disk_low', status: 507, detail: 'The disk is nearly full.' };
    expect(violationsOf({ sessions: [], refusals: [good], left: [] })).toEqual([]);
  });

  it('finds what is left over', () => {
    expect(violationsOf({ sessions: [], refusals: [], left: ['wrapper 12 of s'] })).toEqual([
      'left over: wrapper 12 of s',
    ]);
  });
});
