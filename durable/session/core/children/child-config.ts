import type { Refusal } from '../../../../protocol/api/problem.ts';
import { DEFAULT_POOL } from '../../../../protocol/settings/pools-setting.ts';
import {
  agentTool,
  resourceNames,
  type ChildConfig,
  type SessionConfig,
} from '../../../../protocol/api/session/session-config.ts';
import { isWider, modesWithin } from '../settings/live-settings.ts';
import { uncovered } from './rule-cover.ts';

interface Excess {
  readonly path: string;
  readonly message: string;
}

/**
 * A child's settings. Settings that were not asked for come from its parent, except the system prompt and the budget:
 * these are never inherited. A child may do less than its parent, never more. This holds for permissions, network,
 * secrets, tools, answerers, MCP servers, variables, resources, budget, the pool, the environment and where its events go. If it asks for
 * more, the refusal lists every setting that is too wide.
 */
export function childConfigOf(parent: SessionConfig, asked: ChildConfig): { readonly config: SessionConfig } | Refusal {
  const { system_prompt: _prompt, budget_usd: _budget, ...inherited } = parent;
  const config: SessionConfig = { ...inherited, ...given(asked) };
  const resources = { ...parent.resources, ...asked.resources };
  if (Object.keys(resources).length > 0) config.resources = resources;
  const runner = { ...parent.runner, ...asked.runner };
  if (Object.keys(runner).length > 0) config.runner = runner;
  const excess = [
    ...permissions(parent, config),
    ...network(parent, asked),
    ...names('secrets', parent.secrets, config.secrets, 'one of its parent’s secrets'),
    ...agentTools(parent.agent_tools, config.agent_tools),
    ...names('answerers', parent.answerers, config.answerers, 'one of its parent’s answerers'),
    ...servers(parent, config),
    ...variables(parent, config),
    ...limits(parent, config),
    ...events(parent, asked),
    ...pool(parent, asked),
    ...environment(parent, asked),
  ];
  if (excess.length === 0) return { config };
  const list = excess.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return {
    refused: 'child_too_wide',
    detail: `A child may do less than its parent, never more. ${list}`,
    errors: excess,
  };
}

/** The settings that were asked for. A key whose value is undefined was not. */
function given(asked: ChildConfig): Partial<SessionConfig> {
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}

function permissions(parent: SessionConfig, child: SessionConfig): Excess[] {
  const excess: Excess[] = [];
  if (isWider(child.permission_mode, parent.permission_mode)) {
    const allowed = modesWithin(parent.permission_mode).join(', ');
    excess.push({
      path: 'config.permission_mode',
      message: `its parent’s is ${parent.permission_mode}; use one of ${allowed}`,
    });
  }
  if (child.permission_default === 'allow' && parent.permission_default === 'deny') {
    excess.push({ path: 'config.permission_default', message: 'its parent’s is deny' });
  }
  return [...excess, ...tools(parent, child)];
}

/**
 * Compares the tools that run without asking a person. In mode `bypass` this is the list, and `*` in it means every
 * tool. In other modes it is also the list, but `*` in it has no effect.
 */
function tools(parent: SessionConfig, child: SessionConfig): Excess[] {
  if (isUnrestricted(parent)) return [];
  const path = 'config.allowed_tools';
  const own = parent.allowed_tools.filter((rule) => rule !== '*');
  if (child.permission_mode === 'bypass' && child.allowed_tools.includes('*')) {
    return [{ path, message: `its parent has these tools alone: ${own.join(', ')}` }];
  }
  const more = child.allowed_tools.filter((rule) => rule !== '*' && !own.includes(rule));
  if (more.length === 0) return [];
  const message = `${more.join(', ')}: not among its parent’s, which are ${own.length === 0 ? 'none' : own.join(', ')}`;
  return [{ path, message }];
}

const isUnrestricted = ({ permission_mode, allowed_tools }: SessionConfig) =>
  permission_mode === 'bypass' && allowed_tools.includes('*');

function network(parent: SessionConfig, asked: ChildConfig): Excess[] {
  if (asked.network === undefined) return [];
  const more = uncovered(parent.network, asked.network);
  const path = 'config.network';
  const own = parent.network === undefined ? ' (which names none, so its child can name none either)' : '';
  return [
    ...more.allow.map((rule) => ({ path: `${path}.allow`, message: `${rule} is not in its parent’s network${own}` })),
    ...more.presets.map((name) => ({
      path: `${path}.presets`,
      message: `${name} is not in its parent’s network${own}`,
    })),
  ];
}

function names(setting: string, parent: readonly string[], child: readonly string[], what: string): Excess[] {
  return child
    .filter((name) => !parent.includes(name))
    .map((name) => ({ path: `config.${setting}`, message: `${name} is not ${what}` }));
}

/** Absent names all of them. The edge narrows a child's to the operator's when it starts, as its parent's. */
function agentTools(parent: SessionConfig['agent_tools'], child: SessionConfig['agent_tools']): Excess[] {
  if (parent === undefined) return [];
  return names('agent_tools', parent, child ?? agentTool.options, 'one of its parent’s agent_tools');
}

/** An MCP server's command runs without asking anybody, so a parent with limited tools lets its child add no server. */
function servers(parent: SessionConfig, child: SessionConfig): Excess[] {
  if (isUnrestricted(parent)) return [];
  const same = (name: string) => JSON.stringify(parent.mcp_servers[name]) === JSON.stringify(child.mcp_servers[name]);
  return Object.keys(child.mcp_servers)
    .filter((name) => !same(name))
    .map((name) => ({
      path: `config.mcp_servers.${name}`,
      message: 'is not one of its parent’s, whose tools are limited',
    }));
}

/** A variable can make a program that runs unasked do something else, so a parent with limited tools lets its child set none. */
function variables(parent: SessionConfig, child: SessionConfig): Excess[] {
  if (isUnrestricted(parent)) return [];
  return Object.entries(child.env ?? {})
    .filter(([name, value]) => parent.env?.[name] !== value)
    .map(([name]) => ({ path: `config.env.${name}`, message: 'is not its parent’s, whose tools are limited' }));
}

/** Its events would leave by a way that its parent's do not. */
function events(parent: SessionConfig, asked: ChildConfig): Excess[] {
  const own = parent.events_to?.redis_stream;
  if (asked.events_to === undefined || asked.events_to.redis_stream === own) return [];
  return [{ path: 'config.events_to', message: own === undefined ? 'its parent has none' : `its parent’s is ${own}` }];
}

/** Other pools have other machines, which may reach what its parent's do not. */
function pool(parent: SessionConfig, asked: ChildConfig): Excess[] {
  const own = parent.runner?.pool ?? DEFAULT_POOL;
  const wanted = asked.runner?.pool ?? own;
  return wanted === own ? [] : [{ path: 'config.runner.pool', message: `its parent’s is ${own}` }];
}

/** Another one could reach what its parent cannot, while it is built. */
function environment({ environment: own }: SessionConfig, asked: ChildConfig): Excess[] {
  if (asked.environment === undefined || asked.environment === own) return [];
  return [
    { path: 'config.environment', message: own === undefined ? 'its parent has none' : `its parent’s is ${own}` },
  ];
}

function limits(parent: SessionConfig, child: SessionConfig): Excess[] {
  const excess: Excess[] = [];
  for (const name of resourceNames) {
    const most = parent.resources?.[name];
    const asked = child.resources?.[name];
    if (most !== undefined && asked !== undefined && asked > most) {
      excess.push({ path: `config.resources.${name}`, message: `its parent has ${most}` });
    }
  }
  if (parent.budget_usd !== undefined && child.budget_usd !== undefined && child.budget_usd > parent.budget_usd) {
    excess.push({ path: 'config.budget_usd', message: `its parent’s is ${parent.budget_usd}` });
  }
  return excess;
}
