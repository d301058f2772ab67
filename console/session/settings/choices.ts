import type { SessionView } from '../../../client/main.ts';

/** Models that are offered. Any other name that Claude Code takes fits too. */
export const MODELS: readonly string[] = ['default', 'opus-4', 'sonnet-4', 'haiku-4'];

export type PermissionMode = SessionView['permission_mode'];

/** What happens when the agent wants to use a tool. */
export const PERMISSION_MODES: readonly {
  readonly value: PermissionMode;
  readonly label: string;
  readonly means: string;
}[] = [
  { value: 'bypass', label: 'Never ask', means: 'It may use its tools without asking.' },
  { value: 'ask', label: 'Ask', means: 'A person decides about each tool that is not allowed already.' },
  {
    value: 'accept_edits',
    label: 'Ask, but not for edits',
    means: 'Edits of files in the workspace need no permission.',
  },
  { value: 'plan', label: 'Plan first', means: 'It makes a plan, and a person decides whether it begins.' },
];

/** What somebody has changed of a session, as the API takes it. */
export interface Wanted {
  readonly title: string;
  readonly model: string;
  readonly permissionMode: PermissionMode;
  /** As typed, USD; empty: no limit. */
  readonly budget: string;
}

type Change = {
  title?: string | null;
  model?: string;
  permission_mode?: PermissionMode;
  budget_usd?: number | null;
};

/** As a session has it. */
export const wantedOf = (view: SessionView): Wanted => ({
  title: view.title ?? '',
  model: view.model ?? 'default',
  permissionMode: view.permission_mode,
  budget: view.config.budget_usd === undefined ? '' : String(view.config.budget_usd),
});

/** The budget that was typed, USD; null: no limit; undefined: it is no amount. */
export function budgetOf(typed: string): number | null | undefined {
  const text = typed.trim().replace(/^\$/, '').replace(',', '.');
  if (text === '') return null;
  const amount = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  return amount > 0 && amount <= 1_000_000 ? amount : undefined;
}

/** What is to be changed, as `PATCH /sessions/{id}` takes it; null: nothing, or the budget is no amount. */
export function changeOf(had: Wanted, wanted: Wanted): Change | null {
  const change: Change = {};
  if (wanted.title.trim() !== had.title) change.title = wanted.title.trim() || null;
  if (wanted.model.trim() !== had.model) change.model = wanted.model.trim() || 'default';
  if (wanted.permissionMode !== had.permissionMode) change.permission_mode = wanted.permissionMode;
  if (wanted.budget.trim() !== had.budget) {
    const budget = budgetOf(wanted.budget);
    if (budget === undefined) return null;
    change.budget_usd = budget;
  }
  return Object.keys(change).length === 0 ? null : change;
}
