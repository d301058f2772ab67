import * as z from 'zod';
import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { once } from '../lib/once.ts';
import { maskCredentials } from '../lib/mask-credentials.ts';
import type { McpDefinition } from './mcp-servers.ts';

/** One server in Claude Code's answer to `mcp_status`. Nothing else of the answer is read: it holds headers. */
export type ServerStatus = z.infer<ReturnType<typeof statusAnswer>>['response']['response']['mcpServers'][number];
export const statusAnswer = once(() => {
  const serverStatus = z.object({ name: z.string(), status: z.string(), error: z.string().optional() });
  return z.object({ response: z.object({ response: z.object({ mcpServers: z.array(serverStatus) }) }) });
});

export type McpNotice = Extract<WrapperNotice, { notice: 'mcp_server' }>;
type State = McpNotice['state'];

/** Milliseconds after which a server that is still connecting is reported as slow. */
const SLOW_MS = 3000;
const DETAIL_CHARACTERS = 2048;
/** Characters. A shorter value would also match inside ordinary words. */
const MIN_SECRET = 6;

/** Turns the states of a session's MCP servers into notices of what changed. Pure: the clock is a parameter. */
export class McpStatus {
  readonly #servers: ReadonlyMap<string, McpDefinition>;
  readonly #reported = new Map<string, State>();
  readonly #pendingSince = new Map<string, number>();

  constructor(servers: Readonly<Record<string, McpDefinition>>) {
    this.#servers = new Map(Object.entries(servers));
  }

  /** Some servers have neither connected nor failed. */
  get pending(): boolean {
    return this.#pendingSince.size > 0;
  }

  /** @param now milliseconds, on any clock @returns a notice for each change worth one */
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
      if (now - since < SLOW_MS) return [];
    } else {
      this.#pendingSince.delete(name);
    }
    // A server that connects at once is not worth a notice.
    if (this.#reported.get(name) === state || (state === 'connected' && !this.#reported.has(name))) return [];
    this.#reported.set(name, state);
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
  const why = error === undefined ? 'Claude Code does not say why.' : sentence(server, error);
  const detail = state === 'needs_auth' ? `It wants a login: name a token in its headers, or a secret. ${why}` : why;
  return withoutSecrets(detail, server).slice(0, DETAIL_CHARACTERS);
}

/** Claude Code's error does not name the program that is missing: this does. */
function sentence(server: McpDefinition, error: string): string {
  if (!('command' in server)) return error;
  // By a path, and by a name that is looked for on the PATH: that error calls every program "stdio".
  if (error.startsWith('ENOENT') || /not found in \$PATH/i.test(error)) return `There is no program ${server.command}.`;
  if (error.startsWith('EACCES')) return `${server.command} may not be executed.`;
  return error === 'Connection closed' ? `Its program ended before it had answered: ${server.command}.` : error;
}

function withoutSecrets(text: string, server: McpDefinition): string {
  const given = Object.values(('command' in server ? server.env : server.headers) ?? {});
  const values = given.flatMap((value) => [value, ...value.split(' ')]).filter(({ length }) => length >= MIN_SECRET);
  return values.reduce((masked, value) => masked.replaceAll(value, '***'), maskCredentials(text));
}
