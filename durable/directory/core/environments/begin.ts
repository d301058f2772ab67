import type { EnvironmentRequest } from '../../../../protocol/api/environment.ts';
import type { Refusal } from '../../../../protocol/api/problem.ts';
import { sessionConfig } from '../../../../protocol/api/session/session-config.ts';
import type { CreateSessionRequest } from '../../../../protocol/api/session/session.ts';
import type { EdgeSettings } from '../../../../protocol/settings/edge-settings.ts';
import { imageRefusal } from '../../../../protocol/settings/environment-settings.ts';
import { issuesOf, type Issue } from '../../../../protocol/issues.ts';
import type { FrozenEnvironment } from '../../../shared/environments/frozen.ts';
import { mergeConfig, mergeWorkspace } from './merge.ts';

interface Chosen {
  readonly name: string;
  readonly shared: boolean;
  readonly revision: string;
  readonly request: EnvironmentRequest;
}

/**
 * What a session begins with that names an environment. It is refused when both together are more than a session may have, and when the
 * operator has forbidden the image meanwhile.
 */
export function begin(
  request: CreateSessionRequest,
  { name, shared, revision, request: environment }: Chosen,
  settings: Pick<EdgeSettings, 'ENVIRONMENT_IMAGES' | 'MAX_MCP_SERVERS'>,
): { readonly request: CreateSessionRequest; readonly environment: FrozenEnvironment } | Refusal {
  const { image, setup, env, network, secrets, ports = [] } = environment;
  // An image of a shared environment is the operator's own choice, so it is allowed.
  const forbidden = image === undefined || shared ? null : imageRefusal(settings, image, 'config.environment.image');
  if (forbidden !== null) return forbidden;
  const { callback, ...own } = request.config;
  const config = mergeConfig(own, environment);
  const workspace = mergeWorkspace(request.workspace, environment);
  const misfits = [...issuesOf(sessionConfig.safeParse(config).error ?? { issues: [] }), ...excess(config, settings)];
  if (misfits.length > 0) {
    const errors = misfits.map(({ path, message }) => ({ path: `config.${path}`, message }));
    const said = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
    return {
      refused: 'invalid_request',
      detail: `Together with the environment "${name}" the settings do not fit. ${said}`,
      errors,
    };
  }
  const build = {
    ...(image !== undefined && { image }),
    ...(setup !== undefined && { setup }),
    ...(env && { env }),
    ...(network && { network }),
    ...(secrets && { secrets }),
  };
  return {
    request: { workspace, config: { ...config, ...(callback && { callback }) } },
    environment: { of: { name, shared, revision }, build, ports },
  };
}

function excess(
  { mcp_servers }: Pick<CreateSessionRequest['config'], 'mcp_servers'>,
  { MAX_MCP_SERVERS: most }: Pick<EdgeSettings, 'MAX_MCP_SERVERS'>,
): Issue[] {
  const servers = Object.keys(mcp_servers).length;
  if (most === 0 || servers <= most) return [];
  return [
    { path: 'mcp_servers', message: `must be at most ${most}, the operator’s MAX_MCP_SERVERS, and are ${servers}` },
  ];
}
