import type { EnvironmentRequest } from '../../../../protocol/api/environment.ts';
import type { Workspace } from '../../../../protocol/api/files/workspace.ts';
import type { SessionConfig } from '../../../../protocol/api/session/session-config.ts';

type Config = Omit<SessionConfig, 'callback'>;

/**
 * A session's settings over those of its environment: of a map, the session's entries win by their key; lists are joined; anything
 * else that the session names is its own. Once more with the same environment changes nothing.
 */
export function mergeConfig(config: Config, environment: EnvironmentRequest): Config {
  const env = mapOf(environment.env, config.env);
  const resources = mapOf(environment.resources, config.resources);
  const network = config.network ?? environment.network;
  return {
    ...config,
    mcp_servers: { ...environment.mcp_servers, ...config.mcp_servers },
    secrets: listOf(environment.secrets, config.secrets),
    skills: listOf(environment.skills, config.skills),
    ...(env && { env }),
    ...(resources && { resources }),
    ...(network && { network }),
  };
}

function mapOf<T extends object>(below: T | undefined, above: T | undefined): T | undefined {
  return below === undefined ? above : { ...below, ...above };
}

function listOf(below: readonly string[] | undefined, above: readonly string[]): string[] {
  return [...new Set([...(below ?? []), ...above])];
}

/** The workspace of a session: with the environment's repositories, unless it names itself what it begins with. */
export function mergeWorkspace(workspace: Workspace, { git }: EnvironmentRequest): Workspace {
  if (git === undefined || git.length === 0 || workspace.type === 'clone') return workspace;
  const isItsOwn = workspace.git_repo ?? workspace.snapshot ?? workspace.git;
  return isItsOwn === undefined ? { ...workspace, git } : workspace;
}
