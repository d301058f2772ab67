import type { McpDefinition } from './mcp-servers.ts';
import { type McpNotice, McpStatus, type ServerStatus } from './mcp-status.ts';
import { STATUS_REQUEST } from '../claude/output-line.ts';

/** Milliseconds between two questions while a server is connecting. */
const AGAIN_MS = 1000;

/** Asks `claude` how it stands with its MCP servers: until all have connected or failed, and after each turn. */
export class McpWatch {
  readonly #status: McpStatus;
  readonly #ask: (request: object) => void;
  readonly #tell: (notice: McpNotice) => void;
  readonly #any: boolean;
  #asked = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    servers: Readonly<Record<string, McpDefinition>>,
    ask: (request: object) => void,
    tell: (notice: McpNotice) => void,
  ) {
    this.#status = new McpStatus(servers);
    this.#any = Object.keys(servers).length > 0;
    this.#ask = ask;
    this.#tell = tell;
  }

  /** `claude` is ready, or a turn has ended. */
  ask(): void {
    if (!this.#any || this.#asked) return;
    clearTimeout(this.#timer);
    this.#asked = true;
    this.#ask({ type: 'control_request', request_id: STATUS_REQUEST, request: { subtype: 'mcp_status' } });
  }

  answered(servers: readonly ServerStatus[]): void {
    this.#asked = false;
    for (const notice of this.#status.take(servers, performance.now())) this.#tell(notice);
    if (!this.#status.pending) return;
    this.#timer = setTimeout(() => {
      this.ask();
    }, AGAIN_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#asked = true;
  }
}
