import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CatalogueServer, mcpCatalogue, type McpCatalogue } from '../../protocol/settings/mcp-catalogue.ts';
import type { SessionConfig } from '../../protocol/api/session-config.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper-launch.ts';

type Given = SessionConfig['mcp_servers'][string];
type Preset = Extract<Given, { preset: string }>;
/** An MCP server as Claude Code's configuration takes it. */
export type McpDefinition = Exclude<Given, Preset>;

/** A session's MCP servers. */
export interface McpServers {
  servers: Record<string, McpDefinition>;
  /** Those that cannot be, and why. */
  refused: { name: string; why: string }[];
}

type Offers = NonNullable<WrapperLaunch['offers']>;

/**
 * The session's servers with its presets resolved by the catalogue that is there: what an image has, it alone knows.
 *
 * @throws when there is a catalogue that cannot be read: an image that is broken
 */
export function mcpServers(launch: WrapperLaunch): McpServers {
  const result: McpServers = { servers: {}, refused: [] };
  const given = Object.entries(launch.config.mcp_servers);
  const catalogue = given.some(([, server]) => 'preset' in server) ? readCatalogue(launch.offers) : {};
  for (const [name, server] of given) {
    const resolved = 'preset' in server ? resolve(server, catalogue, launch) : server;
    if (typeof resolved === 'string') result.refused.push({ name, why: resolved });
    else result.servers[name] = resolved;
  }
  return result;
}

function readCatalogue(offers: Offers | undefined): McpCatalogue {
  const file = offers === undefined ? '' : join(offers.mcp, 'catalogue.json');
  // An image of one's own may have none.
  return existsSync(file) ? mcpCatalogue.parse(JSON.parse(readFileSync(file, 'utf8'))) : {};
}

/** A definition, or why there is none. */
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
    return `The preset ${given.preset} is not installed: ${file} is missing. Run npm install, and build the image anew.`;
  }
  const lacking = server.requires.find((required) => !existsSync(required.file));
  if (lacking !== undefined) return `The preset ${given.preset} cannot run: ${lacking.remedy} (${lacking.file})`;
  return {
    // This very Node: `PATH` may lead to another one, or to none.
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
