import { expect, test } from 'vitest';
import type { FeedSession } from '../../../../client/main.ts';
import { doingText } from '../../../../console/sessions/rows/doing.ts';
import {
  addressOf,
  countGroups,
  filterOf,
  type SessionFilter,
} from '../../../../console/sessions/rows/session-filter.ts';
import { countBelow, sessionRows } from '../../../../console/sessions/rows/session-rows.ts';

/** A session whose id is made of a number, so that a greater one is newer. */
function session(number: number, more: Partial<FeedSession> = {}): FeedSession {
  return {
    session_id: `01a0-${String(number).padStart(6, '0')}`,
    status: 'idle',
    container_id: null,
    created_at: '2026-11-30T10:00:00.000Z',
    reason: null,
    last_activity: new Date(1_790_000_000_000 - number * 1000).toISOString(),
    title: `Task ${number}`,
    parent_session_id: null,
    child_session_ids: [],
    total_turns: 0,
    total_cost_usd: number,
    open_interactions: 0,
    ...more,
  };
}
const child = (number: number, parent: number, more: Partial<FeedSession> = {}) =>
  session(number, { parent_session_id: session(parent).session_id, ...more });
const mapOf = (...list: FeedSession[]) => new Map(list.map((one) => [one.session_id, one]));
const ALL = filterOf({});
const NONE: ReadonlySet<string> = new Set();

function shown(sessions: ReadonlyMap<string, FeedSession>, filter: Partial<SessionFilter> = {}, folded = NONE) {
  return sessionRows(sessions, { ...ALL, ...filter }, folded).map(
    ({ session: { title }, depth, isContext }) => `${'  '.repeat(depth)}${title ?? ''}${isContext ? ' (above)' : ''}`,
  );
}

const FAMILY = mapOf(
  session(1),
  child(2, 1),
  child(3, 2, { open_interactions: 2, title: 'Deep' }),
  child(4, 1),
  session(5),
);

test('children stand below their parents, the oldest first, and trees the newest first', () => {
  expect(shown(FAMILY)).toEqual(['Task 5', 'Task 1', '  Task 2', '    Deep', '  Task 4']);
  expect(shown(FAMILY, { view: 'list' })).toEqual(['Task 5', 'Task 4', 'Deep', 'Task 2', 'Task 1']);
});

test('a child whose parent is not there stands by itself', () => {
  expect(shown(mapOf(child(7, 6), session(5)))).toEqual(['Task 7', 'Task 5']);
});

test('what is folded counts what it hides', () => {
  const rows = sessionRows(FAMILY, ALL, new Set([session(1).session_id]));
  expect(rows.map(({ session: { title }, below, isFolded, waiting }) => ({ title, below, isFolded, waiting }))).toEqual(
    [
      { title: 'Task 5', below: 0, isFolded: false, waiting: 0 },
      { title: 'Task 1', below: 3, isFolded: true, waiting: 2 },
    ],
  );
});

test('what is removed with a session is all below it, whatever is shown', () => {
  const [one, two, three] = [session(1), child(2, 1), child(3, 2)];
  const gone = session(9).session_id;
  const family = mapOf(
    { ...one, child_session_ids: [two.session_id, gone] },
    { ...two, child_session_ids: [three.session_id] },
    three,
  );
  expect(countBelow(family, one.session_id)).toBe(2);
  expect(countBelow(family, three.session_id)).toBe(0);
});

test('a filter brings those above what fits along', () => {
  expect(shown(FAMILY, { text: 'deep' })).toEqual(['Task 1 (above)', '  Task 2 (above)', '    Deep']);
  expect(shown(FAMILY, { group: 'waiting', view: 'list' })).toEqual(['Deep']);
  expect(shown(FAMILY, { text: 'task 000005' })).toEqual(['Task 5']);
  expect(shown(FAMILY, { text: 'nothing' })).toEqual([]);
  const environment = { name: 'python', shared: true, revision: null };
  expect(shown(mapOf(session(1, { environment }), session(2)), { text: 'Pyth' })).toEqual(['Task 1']);
});

test('the list is sorted by activity or cost', () => {
  expect(shown(FAMILY, { sort: 'activity', view: 'list' })[0]).toBe('Task 1');
  expect(shown(FAMILY, { sort: 'cost', view: 'list' })[0]).toBe('Task 5');
});

test('groups are counted with the text alone', () => {
  const sessions = [
    session(1, { status: 'running', open_interactions: 1 }),
    session(2, { status: 'queued' }),
    session(3),
  ];
  expect(countGroups(sessions, '')).toEqual({ all: 3, waiting: 1, active: 2, idle: 1, stopped: 0, failed: 0 });
  expect(countGroups(sessions, 'task 000003')).toMatchObject({ all: 1, active: 0 });
});

test('the address holds the filter, and nothing that is as usual', () => {
  expect(addressOf(ALL)).toBe('/sessions');
  const filter: SessionFilter = { text: 'a b&c', group: 'failed', sort: 'cost', view: 'list' };
  const address = addressOf(filter);
  expect(address).toBe('/sessions?q=a+b%26c&status=failed&sort=cost&view=list');
  expect(filterOf(Object.fromEntries(new URL(address, 'http://x').searchParams))).toEqual(filter);
  expect(filterOf({ status: 'odd', sort: '', view: 'x' })).toEqual(ALL);
});

test('what a session does is what it asks, why it has its status, or the status in words', () => {
  const reason = { code: 'no_runner', detail: 'No runner is connected.' } as const;
  expect(doingText(session(1, { open_interactions: 1 }), 'Which colour?')).toBe('Asks: Which colour?');
  expect(doingText(session(1, { status: 'queued', reason }), undefined)).toBe('No runner is connected.');
  expect(doingText(session(1, { status: 'running', reason }), undefined)).toBe('Works');
});
