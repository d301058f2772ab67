import type { SessionTree, TreeNode } from '../../protocol/api/session/child.ts';
import type { EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { Creation } from '../rpc/session/creation.ts';
import type { SpendingReport, VersionedVerdict } from '../rpc/directory/reports.ts';
import { spentDetail, type Verdict } from '../shared/turn-permit.ts';
import { judge, treeCosts } from './core/budget.ts';
import { sessionStub, type EdgeEnv } from '../rpc/edge-env.ts';
import type { StoredSummary } from '../rpc/session/views.ts';
import { TreeTable, type TreeRow } from './tables/tree-table.ts';

/** One owner's sessions as trees: how far they may grow, and what they may cost together. */
export class OwnerTree {
  readonly #table: TreeTable;
  readonly #settings: EdgeSettings;
  readonly #env: EdgeEnv;

  constructor(sql: SqlStorage, settings: EdgeSettings, env: EdgeEnv) {
    this.#table = new TreeTable(sql);
    this.#settings = settings;
    this.#env = env;
  }

  /** Why a session may not have one more child; null: it may. The model that asked reads these sentences too. */
  refusal(parentId: string): Refusal | null {
    const parent = this.#ensure(parentId);
    const { MAX_SPAWN_DEPTH, MAX_CHILDREN_PER_SESSION, MAX_SESSIONS_PER_TREE } = this.#settings;
    if (parent.closed) return { refused: 'session_not_found', detail: 'The session is being deleted.' };
    if (parent.depth >= MAX_SPAWN_DEPTH) {
      const detail =
        `This session is at depth ${parent.depth} of its tree, and the deepest that there may be is ${MAX_SPAWN_DEPTH} (MAX_SPAWN_DEPTH), so it cannot begin ` +
        'sessions. Do the work yourself, or end your turn with what should be given to others, for the session that began you.';
      return { refused: 'spawn_depth_exceeded', detail };
    }
    const children = this.#table.countChildren(parentId);
    if (children >= MAX_CHILDREN_PER_SESSION) {
      const detail =
        `This session has begun ${children} children, which is the most that one may (MAX_CHILDREN_PER_SESSION). Give further work to one of those ` +
        'that there are (send_to_child, POST …/chat): they take any number of messages.';
      return { refused: 'children_limit_reached', detail };
    }
    const sessions = this.#table.countTree(parent.root);
    if (sessions >= MAX_SESSIONS_PER_TREE) {
      const detail =
        `The tree has ${sessions} sessions, which is the most that one may have (MAX_SESSIONS_PER_TREE). Do the work in the sessions that there are, or ` +
        'yourself; deleted ones make room.';
      return { refused: 'tree_limit_reached', detail };
    }
    const spent = this.#judge(parent.root).get(parentId)?.spent ?? null;
    if (spent === null || spent.expected_usd > 0) return null;
    return { refused: 'budget_reached', detail: `Nothing new begins: ${spentDetail(spent)}` };
  }

  /** Adds a new session below `parentId`, or as the root of a tree. The answer says whether a budget covers it. */
  add(id: string, parentId: string | null, budget: number | undefined): Creation['permit'] {
    const parent = parentId === null ? null : this.#ensure(parentId);
    this.#table.add(id, parent, budget ?? null);
    const permit = this.#judge(parent?.root ?? id).get(id)?.permit === 'free' ? 'free' : 'due';
    this.#markSent(id, { permit, spent: null });
    return permit;
  }

  /** Takes a session's cost so far, as its summary says. */
  spent(id: string, cost: number): void {
    this.#table.spend(id, cost);
  }

  /** Takes what a session has spent and whether it wants a turn; the answer is the verdict on it. */
  report({ session_id, cost_usd, turn }: SpendingReport): VersionedVerdict {
    const { root } = this.#ensure(session_id);
    const call = this.#table.spend(session_id, cost_usd);
    if (call > 0) this.#table.recordCall(root, call);
    this.#table.setTurn(session_id, turn);
    const verdicts = this.#settle(root);
    const verdict = verdicts.get(session_id) ?? { permit: 'free', spent: null };
    return { version: this.#markSent(session_id, verdict), verdict };
  }

  /** Sets what a session and all below it may cost, USD; null: no limit of its own. */
  setBudget(id: string, budget: number | null): void {
    const { root } = this.#ensure(id);
    this.#table.setBudget(id, budget);
    this.#settle(root);
  }

  /** Sends sessions their new verdicts. @returns whether all of them got theirs */
  async sendVerdicts(): Promise<boolean> {
    const calls = await Promise.allSettled(
      this.#table.unsent().map(async ({ id, version }) => {
        const row = this.#table.get(id);
        if (row === null) return;
        const verdict = this.#judge(row.root).get(id) ?? { permit: 'free', spent: null };
        await sessionStub(this.#env, id).setTurnPermit({ version, verdict });
        this.#table.setSent(id, version);
      }),
    );
    for (const call of calls) {
      if (call.status === 'rejected')
        console.warn(`directory: a turn permit could not be sent to its session: ${String(call.reason)}`);
    }
    return calls.every(({ status }) => status === 'fulfilled');
  }

  /** Whether a session has a verdict that was not sent yet. */
  get isSendDue(): boolean {
    return this.#table.unsent().length > 0;
  }

  /** The sessions below a session, the deepest first. `closing`: from now on it and they get no more children. */
  descendants(id: string, closing: boolean): string[] {
    if (closing) this.#table.close(id);
    return this.#table.descendants(id);
  }

  remove(id: string): void {
    const row = this.#table.get(id);
    this.#table.remove(id);
    if (row !== null && row.parent !== null) this.#settle(row.root);
  }

  /** A session with all below it. Sessions that have no summary in `summaries` are left out. */
  view(id: string, summaries: ReadonlyMap<string, StoredSummary>): SessionTree {
    const { root } = this.#ensure(id);
    const rows = this.#table.tree(root);
    const costs = treeCosts(rows);
    const nodes = rows.flatMap((row): TreeNode[] => {
      const summary = summaries.get(row.id);
      if (summary === undefined) return [];
      const { session_id, title, status, created_at, total_turns, total_cost_usd, open_interactions } = summary;
      return [
        {
          session_id,
          parent_session_id: row.parent,
          title,
          status,
          depth: row.depth,
          created_at,
          total_turns,
          total_cost_usd,
          tree_cost_usd: costs.get(row.id) ?? total_cost_usd,
          budget_usd: row.budget,
          open_interactions,
          child_session_ids: rows.filter(({ parent }) => parent === row.id).map((child) => child.id),
        },
      ];
    });
    const { MAX_SPAWN_DEPTH, MAX_CHILDREN_PER_SESSION, MAX_SESSIONS_PER_TREE } = this.#settings;
    const limits = {
      max_depth: MAX_SPAWN_DEPTH,
      max_children: MAX_CHILDREN_PER_SESSION,
      max_sessions: MAX_SESSIONS_PER_TREE,
    };
    return { session_id: id, root_session_id: root, nodes, limits };
  }

  /** A session's row. A session from before there were trees becomes the root of its own. */
  #ensure(id: string): TreeRow {
    const known = this.#table.get(id);
    if (known !== null) return known;
    this.#table.add(id, null, null);
    this.#markSent(id, { permit: 'free', spent: null });
    const added = this.#table.get(id);
    if (added === null) throw new Error('a row that was just written is not there');
    return added;
  }

  /** The answer to the session's own call carries this verdict. @returns the verdict's version */
  #markSent(id: string, verdict: Verdict): number {
    const version = this.#table.setVerdict(id, keyOf(verdict));
    this.#table.setSent(id, version);
    return version;
  }

  #judge(root: string, accounts = this.#table.tree(root)): ReadonlyMap<string, Verdict> {
    return judge(accounts, this.#table.dearest(root));
  }

  /** Judges a whole tree again, and marks the verdicts that have to be sent. */
  #settle(root: string): ReadonlyMap<string, Verdict> {
    const rows = this.#table.tree(root);
    const verdicts = this.#judge(root, rows);
    for (const row of rows) {
      const verdict = verdicts.get(row.id);
      if (verdict === undefined) continue;
      // A running turn keeps its place while it is suspended: it goes on once the budget is raised.
      const granted = row.turn === 'running' || (row.turn === 'wanted' && verdict.permit === 'granted');
      if (granted !== row.granted) this.#table.setGranted(row.id, granted);
      this.#table.setVerdict(row.id, keyOf(verdict));
    }
    return verdicts;
  }
}

/** Tells two verdicts apart. Other amounts alone do not make another verdict. */
function keyOf({ permit, spent }: Verdict): string {
  return spent === null
    ? permit
    : `${permit} ${spent.session_id} ${spent.budget_usd} ${spent.expected_usd > 0 ? 'expected' : 'spent'}`;
}
