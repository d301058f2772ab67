import * as z from 'zod';
import type { WrapperNotice } from '../../protocol/link/wrapper-notice.ts';
import { maskCredentials } from '../lib/mask-credentials.ts';
import type { McpDefinition } from './mcp-servers.ts';
import { TOOL_SERVER } from '../tools/tool-names.ts';

const serverStatus = z.object({ name: z.string(), status: z.string(), error: z.string().optional() });
/** One server in Claude Code's answer to `mcp_status`; of the rest, which has headers in it, nothing is read. */
export type ServerStatus = z.infer<typeof serverStatus>;
export const statusAnswer = z.object({
  response: z.object({ response: z.object({ mcpServers: z.array(serverStatus) }) }),
});

export type McpNotice = Extract<WrapperNotice, { notice: 'mcp_server' }>;
type State = McpNotice['state'];

/** Milliseconds after which a server that is still connecting is slow, and worth a word. */
const SLOW_MS = 3000;
const DETAIL_CHARACTERS = 2048;
/** Shorter ones would be found in words that have nothing to do with them. */
const LEAST_SECRET = 6;

/** What has been told of a session's MCP servers, and what that makes of news. Pure: the clock is a parameter. */
export class McpStatus {
  readonly #servers: ReadonlyMap<string, McpDefinition>;
  readonly #told = new Map<string, State>();
  readonly #pendingSince = new Map<string, number>();

  constructor(servers: Readonly<Record<string, McpDefinition>>) {
    this.#servers = new Map(Object.entries(servers));
  }

  /** Some have neither connected nor failed. */
  get pending(): boolean {
    return this.#pendingSince.size > 0;
  }

  /** @returns what is worth telling of them at `now`, milliseconds on any clock */
  take(statuses: readonly ServerStatus[], now: number): McpNotice[] {
    return statuses.flatMap((status) => {
      const server = this.#servers.get(status.name);
      return server === undefined ? [] : this.#judge(status, server, now);
    });
  }

  #judge({ name, status, error }: ServerStatus, server: McpDefinition, now: number): McpNotice[] {
    const state = stateOf(status);
    if (state === 'connecting') {
      const since = this.#pendingSince.get(name) ?? now;
      this.#pendingSince.set(name, since);
      // CC-Docker's own goes without saying, as long as it does not fail.
      if (now - since < SLOW_MS || name === TOOL_SERVER) return [];
    } else {
      this.#pendingSince.delete(name);
    }
    // One that connects at once is no news.
    if (this.#told.get(name) === state || (state === 'connected' && !this.#told.has(name))) return [];
    this.#told.set(name, state);
    return [{ notice: 'mcp_server', name, state, detail: detailOf(state, server, error) }];
  }
}

function stateOf(status: string): State {
  if (status === 'connected') return 'connected';
  if (status === 'pending') return 'connecting';
  return status === 'needs-auth' ? 'needs_auth' : 'failed';
}

function detailOf(state: State, server: McpDefinition, error: string | undefined): string | null {
  if (state === 'connected') return null;
  if (state === 'connecting') return 'It has not answered yet. The session goes on, and has its tools once it has.';
  const said = error === undefined ? 'Claude Code does not say why.' : sentence(server, error);
  const detail = state === 'needs_auth' ? `It wants a login: name a token in its headers, or a secret. ${said}` : said;
  return withoutSecrets(detail, server).slice(0, DETAIL_CHARACTERS);
}

/** Claude Code names neither the program that is missing, nor that it was one. */
function sentence(server: McpDefinition, error: string): string {
  if (!('command' in server)) return error;
  if (error.startsWith('ENOENT')) return `There is no program ${server.command}.`;
  if (error.startsWith('EACCES')) return `${server.command} may not be executed.`;
  return error === 'Connection closed' ? `Its program ended before it had answered: ${server.command}.` : error;
}

function withoutSecrets(text: string, server: McpDefinition): string {
  const given = Object.values(('command' in server ? server.env : server.headers) ?? {});
  const values = given.flatMap((value) => [value, ...value.split(' ')]).filter(({ length }) => length >= LEAST_SECRET);
  return values.reduce((masked, value) => masked.replaceAll(value, '***'), maskCredentials(text));
}
