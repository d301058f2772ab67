import type { McpDefinition } from './mcp-servers.ts';
import { type McpNotice, McpStatus, type ServerStatus } from './mcp-status.ts';
import { STATUS_REQUEST } from '../claude/output-line.ts';

/** Milliseconds between two requests while a server is connecting. */
const POLL_MS = 1000;

/** Asks `claude` for the state of its MCP servers: until all have connected or failed, and after each turn. */
export class McpWatch {
  readonly #status: McpStatus;
  readonly #request: (request: object) => void;
  readonly #notify: (notice: McpNotice) => void;
  readonly #any: boolean;
  #requested = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    servers: Readonly<Record<string, McpDefinition>>,
    request: (request: object) => void,
    notify: (notice: McpNotice) => void,
  ) {
    this.#status = new McpStatus(servers);
    this.#any = Object.keys(servers).length > 0;
    this.#request = request;
    this.#notify = notify;
  }

  /** `claude` is ready, or a turn has ended. */
  ask(): void {
    if (!this.#any || this.#requested) return;
    clearTimeout(this.#timer);
    this.#requested = true;
    this.#request({ type: 'control_request', request_id: STATUS_REQUEST, request: { subtype: 'mcp_status' } });
  }

  answered(servers: readonly ServerStatus[]): void {
    this.#requested = false;
    for (const notice of this.#status.take(servers, performance.now())) this.#notify(notice);
    if (!this.#status.pending) return;
    this.#timer = setTimeout(() => {
      this.ask();
    }, POLL_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#requested = true;
  }
}
