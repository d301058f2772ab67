import type { SessionTree, TreeNode } from '../../protocol/api/child.ts';
import type { EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { Creation } from '../rpc/creation.ts';
import type { SpendingReport, VersionedVerdict } from '../rpc/directory-rpc.ts';
import { spentDetail, type Verdict } from '../shared/turn-permit.ts';
import { judge, treeCosts } from './core/budget.ts';
import { sessionStub, type EdgeEnv } from '../rpc/edge-env.ts';
import type { StoredSummary } from '../rpc/views.ts';
import { TreeTable, type TreeRow } from './tree-table.ts';

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

  /** Whether a session may have one more child; null: it may. The sentences are for the model that asked as well. */
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

  /** A session is begun, below `parentId` or as the first of a tree: whether a budget is above it. */
  add(id: string, parentId: string | null, budget: number | undefined): Creation['permit'] {
    const parent = parentId === null ? null : this.#ensure(parentId);
    this.#table.add(id, parent, budget ?? null);
    const permit = this.#judge(parent?.root ?? id).get(id)?.permit === 'free' ? 'free' : 'due';
    this.#knows(id, { permit, spent: null });
    return permit;
  }

  /** It has cost so much by now, as its summary says. */
  spent(id: string, cost: number): void {
    this.#table.spend(id, cost);
  }

  /** What a session has spent and is about: whether it may. */
  report({ session_id, cost_usd, turn }: SpendingReport): VersionedVerdict {
    const { root } = this.#ensure(session_id);
    const call = this.#table.spend(session_id, cost_usd);
    if (call > 0) this.#table.sawCall(root, call);
    this.#table.setTurn(session_id, turn);
    const verdicts = this.#settle(root);
    const verdict = verdicts.get(session_id) ?? { permit: 'free', spent: null };
    return { version: this.#knows(session_id, verdict), verdict };
  }

  /** Sets what a session and all below it may cost. */
  setBudget(id: string, budget: number | null): void {
    const { root } = this.#ensure(id);
    this.#table.setBudget(id, budget);
    this.#settle(root);
  }

  /** Tells sessions what their leave is now. @returns whether all have heard it */
  async push(): Promise<boolean> {
    const told = await Promise.allSettled(
      this.#table.due().map(async ({ id, version }) => {
        const row = this.#table.get(id);
        if (row === null) return;
        const verdict = this.#judge(row.root).get(id) ?? { permit: 'free', spent: null };
        await sessionStub(this.#env, id).setTurnPermit({ version, verdict });
        this.#table.told(id, version);
      }),
    );
    for (const one of told) {
      if (one.status === 'rejected')
        console.warn(`directory: a session could not be told its leave: ${String(one.reason)}`);
    }
    return told.every(({ status }) => status === 'fulfilled');
  }

  get isPushDue(): boolean {
    return this.#table.due().length > 0;
  }

  /** Those below a session, the deepest first; `closing`: it and they have no more children from now on. */
  below(id: string, closing: boolean): string[] {
    if (closing) this.#table.close(id);
    return this.#table.below(id);
  }

  remove(id: string): void {
    const row = this.#table.get(id);
    this.#table.remove(id);
    if (row !== null && row.parent !== null) this.#settle(row.root);
  }

  /** A session with all below it, from the summaries of those, and of no others. */
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

  /** Its row; one that an earlier version began is the first of its tree. */
  #ensure(id: string): TreeRow {
    const known = this.#table.get(id);
    if (known !== null) return known;
    this.#table.add(id, null, null);
    this.#knows(id, { permit: 'free', spent: null });
    const added = this.#table.get(id);
    if (added === null) throw new Error('a row that was just written is not there');
    return added;
  }

  /** The session is being told so just now; the version of that. */
  #knows(id: string, verdict: Verdict): number {
    const version = this.#table.tell(id, keyOf(verdict));
    this.#table.told(id, version);
    return version;
  }

  #judge(root: string, accounts = this.#table.tree(root)): ReadonlyMap<string, Verdict> {
    return judge(accounts, this.#table.dearest(root));
  }

  /** Judges a tree anew, and notes who is to be told. */
  #settle(root: string): ReadonlyMap<string, Verdict> {
    const rows = this.#table.tree(root);
    const verdicts = this.#judge(root, rows);
    for (const row of rows) {
      const verdict = verdicts.get(row.id);
      if (verdict === undefined) continue;
      // A turn that runs keeps its place when it is held: it goes on once it may.
      const granted = row.turn === 'running' || (row.turn === 'wanted' && verdict.permit === 'granted');
      if (granted !== row.granted) this.#table.setGranted(row.id, granted);
      this.#table.tell(row.id, keyOf(verdict));
    }
    return verdicts;
  }
}

/** What of a verdict makes it another: amounts alone are no news. */
function keyOf({ permit, spent }: Verdict): string {
  return spent === null
    ? permit
    : `${permit} ${spent.session_id} ${spent.budget_usd} ${spent.expected_usd > 0 ? 'expected' : 'spent'}`;
}
