import type { FeedSession } from '../../../client/main.ts';
import { hasText, isIn, type SessionFilter, type SessionSort } from './session-filter.ts';

/** A line of the list. */
export interface SessionRow {
  readonly session: FeedSession;
  /** How many sessions it is below, of those that are shown. */
  readonly depth: number;
  /** How many sessions below it could be shown; 0 in a list. */
  readonly below: number;
  /** Whether those below it are hidden. */
  readonly isFolded: boolean;
  /** It is shown for the sake of one below it. */
  readonly isContext: boolean;
  /** What waits for people in it, and where it is folded, below it too. */
  readonly waiting: number;
}

const instants = new WeakMap<FeedSession, number>();

/** Milliseconds, parsed once: a row of the feed never changes, another one takes its place. */
function activeAt(session: FeedSession): number {
  const known = instants.get(session);
  if (known !== undefined) return known;
  const instant = Date.parse(session.last_activity);
  instants.set(session, instant);
  return instant;
}

const byId = (a: FeedSession, b: FeedSession) => (a.session_id < b.session_id ? 1 : -1);

/** Ids are UUIDv7, so the newest is the greatest. */
const ORDERS: Readonly<Record<SessionSort, (a: FeedSession, b: FeedSession) => number>> = {
  newest: byId,
  activity: (a, b) => activeAt(b) - activeAt(a) || byId(a, b),
  cost: (a, b) => b.total_cost_usd - a.total_cost_usd || byId(a, b),
};

/**
 * The lines of the list, in their order. A tree has children below their parents, the oldest first; what fits the filter brings those
 * above it along.
 *
 * @param folded ids of sessions whose children are hidden
 */
export function sessionRows(
  sessions: ReadonlyMap<string, FeedSession>,
  filter: SessionFilter,
  folded: ReadonlySet<string>,
): readonly SessionRow[] {
  const { text, group, sort, view } = filter;
  const fits = (session: FeedSession) => isIn(session, group) && hasText(session, text);
  const fitting = [...sessions.values()].filter(fits);
  if (view === 'list') return fitting.sort(ORDERS[sort]).map(flat);

  const shown = new Set<string>();
  const children = new Map<string, FeedSession[]>();
  const roots: FeedSession[] = [];
  for (const one of fitting) {
    for (let session: FeedSession | undefined = one; session !== undefined && !shown.has(session.session_id);) {
      shown.add(session.session_id);
      const parent: FeedSession | undefined =
        session.parent_session_id === null ? undefined : sessions.get(session.parent_session_id);
      if (parent === undefined) roots.push(session);
      else childrenOf(children, parent.session_id).push(session);
      session = parent;
    }
  }
  const rows: SessionRow[] = [];
  const add = (session: FeedSession, depth: number): number => {
    const { session_id: id } = session;
    const at = rows.length;
    const list = (children.get(id) ?? []).sort((a, b) => byId(b, a));
    rows.push({ session, depth, below: 0, isFolded: false, isContext: !fits(session), waiting: 0 });
    const below = list.reduce((sum, child) => sum + 1 + add(child, depth + 1), 0);
    const isFolded = below > 0 && folded.has(id);
    const hidden = isFolded ? rows.splice(at + 1) : [];
    const waiting = hidden.reduce((sum, row) => sum + row.session.open_interactions, session.open_interactions);
    rows[at] = { session, depth, below, isFolded, isContext: !fits(session), waiting };
    return below;
  };
  for (const root of roots.sort(ORDERS[sort])) add(root, 0);
  return rows;
}

function childrenOf(children: Map<string, FeedSession[]>, id: string): FeedSession[] {
  const known = children.get(id);
  if (known !== undefined) return known;
  const list: FeedSession[] = [];
  children.set(id, list);
  return list;
}

function flat(session: FeedSession): SessionRow {
  return { session, depth: 0, below: 0, isFolded: false, isContext: false, waiting: session.open_interactions };
}

/** How many sessions are below one, whatever is shown of them: what is stopped or removed with it. */
export function countBelow(sessions: ReadonlyMap<string, FeedSession>, id: string): number {
  const children = sessions.get(id)?.child_session_ids ?? [];
  return children.reduce((sum, child) => sum + (sessions.has(child) ? 1 + countBelow(sessions, child) : 0), 0);
}
