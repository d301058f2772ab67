import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CatalogueServer, mcpCatalogue, type McpCatalogue } from '../../protocol/settings/agent/mcp-catalogue.ts';
import type { SessionConfig } from '../../protocol/api/session/session-config.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import { TOOL_SERVER } from '../tools/tool-names.ts';

type ConfiguredServer = SessionConfig['mcp_servers'][string];
type Preset = Extract<ConfiguredServer, { preset: string }>;
/** An MCP server in the form of Claude Code's configuration. */
export type McpDefinition = Exclude<ConfiguredServer, Preset>;

/** A session's MCP servers. */
export interface McpServers {
  servers: Record<string, McpDefinition>;
  /** Servers that cannot be started here, and why. */
  refused: { name: string; why: string }[];
}

const TAKEN = `The server of CC-Docker’s own tools has this name. Give this one another.`;

type Offers = NonNullable<WrapperLaunch['offers']>;

/**
 * The session's MCP servers, its presets resolved by the image's own catalogue: only the image knows what it has.
 *
 * @throws when the catalogue cannot be read: the image is broken
 */
export function mcpServers(launch: WrapperLaunch): McpServers {
  const result: McpServers = { servers: {}, refused: [] };
  const configured = Object.entries(launch.config.mcp_servers);
  const catalogue = configured.some(([, server]) => 'preset' in server) ? readCatalogue(launch.offers) : {};
  for (const [name, server] of configured) {
    const isTaken = name === TOOL_SERVER && launch.config.agent_tools.length > 0;
    const resolved = isTaken ? TAKEN : 'preset' in server ? resolve(server, catalogue, launch) : server;
    if (typeof resolved === 'string') result.refused.push({ name, why: resolved });
    else result.servers[name] = resolved;
  }
  return result;
}

function readCatalogue(offers: Offers | undefined): McpCatalogue {
  const file = offers === undefined ? '' : join(offers.mcp, 'catalogue.json');
  // An operator's own image may have none.
  return existsSync(file) ? mcpCatalogue.parse(JSON.parse(readFileSync(file, 'utf8'))) : {};
}

/** The preset's definition, or a sentence why there is none. */
function resolve(given: Preset, catalogue: McpCatalogue, launch: WrapperLaunch): McpDefinition | string {
  const server = Object.hasOwn(catalogue, given.preset) ? catalogue[given.preset] : undefined;
  if (server === undefined) {
    const names = Object.keys(catalogue).sort();
    const others = names.length === 0 ? 'This image has none at all.' : `There are: ${names.join(', ')}.`;
    return `There is no MCP preset ${given.preset}. ${others}`;
  }
  return 'package' in server ? program(given, server, launch) : remote(given, server, launch);
}

function program(
  given: Preset,
  server: Extract<CatalogueServer, { package: string }>,
  launch: WrapperLaunch,
): McpDefinition | string {
  const file = join(launch.offers?.packages ?? '', server.package, server.program);
  if (!existsSync(file)) {
    return `The preset ${given.preset} is not installed: ${file} is missing. Run npm ci --prefix container/mcp, and build the image anew.`;
  }
  const lacking = server.requires.find((required) => !existsSync(required.file));
  if (lacking !== undefined) return `The preset ${given.preset} cannot run: ${lacking.remedy} (${lacking.file})`;
  return {
    // The wrapper's own Node: `PATH` may lead to another one, or to none.
    command: process.execPath,
    args: [file, ...server.args.map((arg) => fill(arg, launch)), ...(given.args ?? [])],
    env: { ...filled(server.env, launch), ...given.env },
  };
}

function remote(
  given: Preset,
  { type, url, headers }: Extract<CatalogueServer, { url: string }>,
  launch: WrapperLaunch,
): McpDefinition | string {
  if (given.args !== undefined || given.env !== undefined) {
    return `The preset ${given.preset} is reached at ${url}: it takes neither args nor env. Define the server in full to change it.`;
  }
  return { type, url, headers: filled(headers, launch) };
}

function filled(values: Record<string, string>, launch: WrapperLaunch): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fill(value, launch)]));
}

function fill(text: string, { cwd, env, scratch }: WrapperLaunch): string {
  return text
    .replaceAll('{workspace}', () => cwd)
    .replaceAll('{config}', () => env['CLAUDE_CONFIG_DIR'] ?? scratch)
    .replaceAll('{scratch}', () => scratch);
}
