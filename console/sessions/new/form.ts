import type { CcDockerError, CreateSessionRequest } from '../../../client/main.ts';
import type { PermissionMode } from '../../session/settings/choices.ts';

/** What is filled in for a new session: texts as they were typed. */
export interface Form {
  readonly prompt: string;
  readonly title: string;
  /** `''`: none. */
  readonly environment: string;
  /** `''`: Claude Code's own default. */
  readonly model: string;
  readonly mode: PermissionMode;
  /** US dollars. */
  readonly budget: string;
  readonly files: Files;
  readonly workspaceId: string;
  readonly repo: string;
  readonly branch: string;
  readonly presets: string;
  readonly hosts: string;
  readonly secrets: string;
  readonly instructions: string;
  readonly maxTurns: string;
  readonly lifeMinutes: string;
  readonly idleMinutes: string;
  readonly answerMinutes: string;
}

export type Field = keyof Form;
/** `new`: of this session alone. `kept`: under a name, for sessions after it. `copy`: a copy of a kept one. */
export type Files = 'new' | 'kept' | 'copy';

export const EMPTY: Form = {
  prompt: '',
  title: '',
  environment: '',
  model: '',
  mode: 'ask',
  budget: '',
  files: 'new',
  workspaceId: '',
  repo: '',
  branch: '',
  presets: '',
  hosts: '',
  secrets: '',
  instructions: '',
  maxTurns: '',
  lifeMinutes: '',
  idleMinutes: '',
  answerMinutes: '',
};

/** What is wrong with which field, and what is wrong with none of them. */
export interface Problems {
  readonly fields: Readonly<Partial<Record<Field, string>>>;
  readonly rest: readonly string[];
}

export const NONE: Problems = { fields: {}, rest: [] };

/** Longest title that the API takes, and that a list can show, characters. */
const MAX_TITLE = 80;

/** The title, or the beginning of the prompt's first line. */
export function titleOf({ title, prompt }: Pick<Form, 'title' | 'prompt'>): string {
  if (title.trim() !== '') return title.trim().slice(0, 200);
  const line = prompt.trim().split('\n', 1)[0]?.trim() ?? '';
  if (line.length <= MAX_TITLE) return line;
  const cut = line.slice(0, MAX_TITLE);
  return `${cut.slice(0, cut.lastIndexOf(' ') > MAX_TITLE / 2 ? cut.lastIndexOf(' ') : MAX_TITLE)}…`;
}

/** What the service is asked for, or what does not fit. */
export function requestOf(form: Form): { readonly request: CreateSessionRequest } | { readonly problems: Problems } {
  const fields: Partial<Record<Field, string>> = {};
  const number = (field: Field, factor: number) => {
    const text = form[field].trim();
    if (text === '') return undefined;
    const value = Number(text.replace(',', '.'));
    if (!Number.isFinite(value) || value <= 0) fields[field] = 'Write a number above 0.';
    return factor === 60 ? Math.round(value * factor) : value;
  };
  if (form.prompt.trim() === '') fields.prompt = 'Say what it should do.';
  if (form.files !== 'new' && form.workspaceId.trim() === '' && form.files === 'copy')
    fields.workspaceId = 'Name the workspace to copy.';
  const config = compact({
    environment: form.environment || undefined,
    model: form.model.trim() || undefined,
    permission_mode: form.mode,
    budget_usd: number('budget', 1),
    max_turns: number('maxTurns', 1),
    timeout_seconds: number('lifeMinutes', 60),
    idle_timeout_seconds: number('idleMinutes', 60),
    interaction_timeout_seconds: number('answerMinutes', 60),
    system_prompt: form.instructions.trim() || undefined,
    secrets: words(form.secrets),
    network: networkOf(form),
  });
  if (Object.keys(fields).length > 0) return { problems: { fields, rest: [] } };
  return { request: { workspace: workspaceOf(form), config } as CreateSessionRequest };
}

function workspaceOf({ files, workspaceId, repo, branch }: Form): object {
  const id = workspaceId.trim() || undefined;
  if (files === 'copy') return { type: 'clone', id };
  const git = { git_repo: repo.trim() || undefined, git_branch: branch.trim() || undefined };
  return files === 'kept' ? compact({ type: 'persistent', id, ...git }) : compact({ type: 'ephemeral', ...git });
}

function networkOf({ presets, hosts }: Form): object | undefined {
  const network = compact({ presets: words(presets), allow: words(hosts) });
  return Object.keys(network).length > 0 ? network : undefined;
}

/** Names with commas or spaces between; undefined: none. */
function words(text: string): string[] | undefined {
  const list = text.split(/[\s,]+/).filter(Boolean);
  return list.length > 0 ? list : undefined;
}

function compact(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

/** Fields of the request, the longest path first where one begins with another. */
const PATHS: readonly (readonly [string, Field])[] = [
  ['workspace.git_repo', 'repo'],
  ['workspace.git_branch', 'branch'],
  ['workspace.id', 'workspaceId'],
  ['workspace', 'files'],
  ['config.environment', 'environment'],
  ['config.model', 'model'],
  ['config.permission_mode', 'mode'],
  ['config.budget_usd', 'budget'],
  ['config.max_turns', 'maxTurns'],
  ['config.timeout_seconds', 'lifeMinutes'],
  ['config.idle_timeout_seconds', 'idleMinutes'],
  ['config.interaction_timeout_seconds', 'answerMinutes'],
  ['config.system_prompt', 'instructions'],
  ['config.secrets', 'secrets'],
  ['config.network.allow', 'hosts'],
  ['config.network.presets', 'presets'],
  ['config.network', 'hosts'],
];

/** What the service says, each thing beside the field that it is about. */
export function problemsOf({ detail, errors }: Pick<CcDockerError, 'detail' | 'errors'>): Problems {
  const fields: Partial<Record<Field, string>> = {};
  const rest: string[] = [];
  for (const { path, message } of errors ?? []) {
    const field = PATHS.find(([begin]) => path === begin || path.startsWith(`${begin}.`))?.[1];
    if (field === undefined) rest.push(`${path}: ${message}`);
    else fields[field] ??= sentence(message);
  }
  return Object.keys(fields).length > 0 || rest.length > 0 ? { fields, rest } : { fields, rest: [detail] };
}

/** `must be a model name` → `It must be a model name.` */
function sentence(message: string): string {
  const text = /^(must|needs|cannot|is|has)\b/.test(message) ? `It ${message}` : message;
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
