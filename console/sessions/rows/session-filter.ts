import type { FeedSession } from '../../../client/main.ts';

/** What the list shows: kept in the page's address. */
export interface SessionFilter {
  readonly text: string;
  readonly group: StatusGroup;
  readonly sort: SessionSort;
  /** `tree`: children below their parents. */
  readonly view: 'tree' | 'list';
}

/** `waiting`: something waits for a person. `active`: it works, or will as soon as it can. */
export type StatusGroup = 'all' | 'waiting' | 'active' | 'idle' | 'stopped' | 'failed';
export type SessionSort = 'newest' | 'activity' | 'cost';

export const GROUPS: readonly { readonly value: StatusGroup; readonly label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'waiting', label: 'Waiting' },
  { value: 'active', label: 'Active' },
  { value: 'idle', label: 'Idle' },
  { value: 'stopped', label: 'Stopped' },
  { value: 'failed', label: 'Failed' },
];

export const SORTS: readonly { readonly value: SessionSort; readonly label: string }[] = [
  { value: 'newest', label: 'Newest first' },
  { value: 'activity', label: 'Last active first' },
  { value: 'cost', label: 'Most expensive first' },
];

/** From an address. What it does not know is as if it were not there. */
export function filterOf(query: Readonly<Record<string, string>>): SessionFilter {
  const { q = '', status, sort, view } = query;
  return {
    text: q,
    group: GROUPS.find(({ value }) => value === status)?.value ?? 'all',
    sort: SORTS.find(({ value }) => value === sort)?.value ?? 'newest',
    view: view === 'list' ? 'list' : 'tree',
  };
}

/** The address of the list with a filter. What is as usual is not in it. */
export function addressOf({ text, group, sort, view }: SessionFilter): string {
  const query = new URLSearchParams();
  if (text !== '') query.set('q', text);
  if (group !== 'all') query.set('status', group);
  if (sort !== 'newest') query.set('sort', sort);
  if (view !== 'tree') query.set('view', view);
  const search = query.toString();
  return search === '' ? '/sessions' : `/sessions?${search}`;
}

const ACTIVE: ReadonlySet<FeedSession['status']> = new Set(['queued', 'starting', 'running']);

export function isIn(session: FeedSession, group: StatusGroup): boolean {
  if (group === 'all') return true;
  if (group === 'waiting') return session.open_interactions > 0;
  return group === 'active' ? ACTIVE.has(session.status) : session.status === group;
}

/** Whether a session has every word of a text in its title, its id or its environment's name. */
export function hasText(session: FeedSession, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const { title, session_id, environment } = session;
  const said = `${title ?? ''} ${session_id} ${environment?.name ?? ''}`.toLowerCase();
  return words.every((word) => said.includes(word));
}

/** How many sessions each group has, of those that have the text. */
export function countGroups(sessions: Iterable<FeedSession>, text: string): Readonly<Record<StatusGroup, number>> {
  const counts = { all: 0, waiting: 0, active: 0, idle: 0, stopped: 0, failed: 0 };
  for (const session of sessions) {
    if (!hasText(session, text)) continue;
    for (const { value } of GROUPS) if (isIn(session, value)) counts[value] += 1;
  }
  return counts;
}
