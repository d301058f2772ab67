import type { EdgeSettings } from '../protocol/settings/edge-settings.ts';
import type { Refusal } from '../protocol/api/problem.ts';
import { withoutRedis } from '../protocol/settings/redis-settings.ts';
import type { ChildConfig, SessionConfig } from '../protocol/api/session/session-config.ts';

const MAXIMA = {
  timeout_seconds: 'CONTAINER_TIMEOUT_MAX',
  idle_timeout_seconds: 'CONTAINER_IDLE_TIMEOUT_MAX',
  background_timeout_seconds: 'BACKGROUND_TIMEOUT_MAX',
  interaction_timeout_seconds: 'INTERACTION_TIMEOUT_MAX',
} as const satisfies Partial<Record<keyof SessionConfig, keyof EdgeSettings>>;

const NAMES = Object.keys(MAXIMA) as (keyof typeof MAXIMA)[];

/** Refuses settings that this service cannot have: timeouts over the operator's maxima, or a Redis that there is not; null: none. */
export function configRefusal(config: SessionConfig | ChildConfig, settings: EdgeSettings): Refusal | null {
  return overMaximum(config, settings) ?? (config.events_to && withoutRedis(settings, 'config.events_to')) ?? null;
}

/** Refuses settings of a session that exceed the operator's maxima; null: none does. */
function overMaximum(config: SessionConfig | ChildConfig, settings: EdgeSettings): Refusal | null {
  const errors = NAMES.filter((name) => (config[name] ?? 0) > settings[MAXIMA[name]]).map((name) => {
    const setting = MAXIMA[name];
    return { path: `config.${name}`, message: `must be at most ${settings[setting]}, the operator’s ${setting}` };
  });
  const servers = Object.keys(config.mcp_servers ?? {}).length;
  const { MAX_MCP_SERVERS: most } = settings;
  if (most > 0 && servers > most) {
    const message = `must be at most ${most}, the operator’s MAX_MCP_SERVERS, and are ${servers}`;
    errors.push({ path: 'config.mcp_servers', message });
  }
  if (errors.length === 0) return null;
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return { refused: 'invalid_request', detail, errors };
}
