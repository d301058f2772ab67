import { readFileSync } from 'node:fs';
import { Option } from '@commander-js/extra-typings';
import type { CreateSessionRequest } from '../../../client/main.ts';
import { Failure, Misused } from '../../lib/failure.ts';

type Config = NonNullable<CreateSessionRequest['config']>;

const PERMISSION_MODES = ['bypass', 'ask', 'accept_edits', 'plan'] as const satisfies readonly NonNullable<
  Config['permission_mode']
>[];

/** Options of `run` that say how its new session is to be. */
export interface SessionOptions {
  readonly model?: string | undefined;
  readonly permissionMode?: (typeof PERMISSION_MODES)[number] | undefined;
  readonly budget?: number | undefined;
  readonly allow?: string[] | undefined;
  readonly network?: string[] | undefined;
  readonly environment?: string | undefined;
  readonly git?: string[] | undefined;
  readonly workspace?: string | undefined;
  readonly config?: string | undefined;
}

export const permissionModeOption = () =>
  new Option('--permission-mode <mode>', 'what happens when the agent wants to use a tool').choices(PERMISSION_MODES);

/** The request for a session that these options describe. What `--config` says, an option of its own overrides. */
export function sessionRequest(options: SessionOptions): CreateSessionRequest {
  const { model, permissionMode, budget, allow, network, environment } = options;
  const config = {
    ...(options.config !== undefined && configFile(options.config)),
    ...(model !== undefined && { model }),
    ...(permissionMode !== undefined && { permission_mode: permissionMode }),
    ...(budget !== undefined && { budget_usd: budget }),
    ...(allow !== undefined && { allowed_tools: allow }),
    ...(network !== undefined && { network: { allow: network } }),
    ...(environment !== undefined && { environment }),
  };
  const workspace = workspaceOf(options);
  return { config, ...(workspace !== undefined && { workspace }) };
}

function workspaceOf({ git = [], workspace }: SessionOptions): CreateSessionRequest['workspace'] {
  const repositories = git.map((text) => {
    const [, repo = text, branch] = /^([^#]+)(?:#(.+))?$/.exec(text) ?? [];
    return { repo, ...(branch !== undefined && { branch }) };
  });
  const [one, ...others] = repositories;
  if (one === undefined) return workspace === undefined ? undefined : { type: 'persistent', id: workspace };
  // One has the workspace for itself, several have a folder each.
  const alone = { git_repo: one.repo, ...(one.branch !== undefined && { git_branch: one.branch }) };
  const clone = others.length === 0 ? alone : { git: repositories };
  return workspace === undefined ? { type: 'ephemeral', ...clone } : { type: 'persistent', id: workspace, ...clone };
}

/** An option that may be given several times. */
export const eachOf = (text: string, before: string[] | undefined): string[] => [...(before ?? []), text];

function configFile(file: string): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(`--config ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    // The service says what of it does not fit.
    return JSON.parse(text) as Config;
  } catch {
    throw new Failure(`--config ${file} is not JSON`);
  }
}

export function usdOf(text: string): number {
  const usd = Number(text);
  if (usd > 0) return usd;
  throw new Misused('--budget must be a number of dollars above 0');
}
