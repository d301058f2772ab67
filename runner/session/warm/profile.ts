import { agentTool, type LaunchConfig, type Resources } from '../../../protocol/api/session/session-config.ts';
import { toolsOfLaunch } from '../../../protocol/link/more-tools.ts';
import type { SessionImage } from '../container/session-image.ts';
import type { ClaimRequest } from './claim-request.ts';

/** What a spare is started with, and a claim cannot change. Pure data: two that are equal are interchangeable. */
export interface Profile {
  /** Whose image it starts from, for an environment's is its owner's alone; null: the session image, which is everybody's. */
  readonly owner: string | null;
  readonly image: SessionImage | undefined;
  readonly resources: Resources | null;
  readonly permissions: Pick<LaunchConfig, 'permission_mode' | 'allowed_tools'>;
  readonly max_turns: number;
  /** CC-Docker's own tools, by name. */
  readonly tools: readonly string[];
  /** The addresses of package registries. */
  readonly packageEnv: Record<string, string>;
  /** Dummies for the tools of forges. */
  readonly forgeEnv: Record<string, string>;
  /** `claude` trusts the runner's own authority, because the proxy puts a secret into requests. */
  readonly trustsRunner: boolean;
}

/** Of a session that asks for nothing. */
export function plainProfile(resources: Resources | null, packageEnv: Record<string, string>): Profile {
  const { agent_tools, more_tools } = toolsOfLaunch(agentTool.options);
  return {
    owner: null,
    image: undefined,
    resources,
    permissions: { permission_mode: 'bypass', allowed_tools: ['*'] },
    max_turns: PLAIN_MAX_TURNS,
    tools: [...agent_tools, ...more_tools].toSorted(),
    packageEnv,
    forgeEnv: {},
    trustsRunner: false,
  };
}

const PLAIN_MAX_TURNS = 100;

/** What a spare for sessions like this one is started with. */
export function profileOf({ launch, image, resources, plan }: Omit<ClaimRequest, 'key' | 'folders'>): Profile {
  const { config, more_tools = [], files } = launch;
  const { permission_mode, allowed_tools, max_turns, agent_tools } = config;
  return {
    owner: image === undefined ? null : files.owner,
    image,
    resources,
    permissions: { permission_mode, allowed_tools },
    max_turns,
    tools: [...agent_tools, ...more_tools].toSorted(),
    packageEnv: plan.packageEnv,
    forgeEnv: plan.forgeEnv,
    trustsRunner: plan.wire.length > 0,
  };
}
