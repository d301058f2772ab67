import { once } from 'node:events';
import { closeSync, openSync, readSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Server as HttpServer } from 'node:http';
import type { ToolCalls } from './tool-calls.ts';
import type { ToolName } from './tool-names.ts';

/** An MCP server's entry in Claude Code's configuration. */
export interface ToolServerConfig {
  type: 'http';
  url: string;
  headers: Record<string, string>;
  /** Milliseconds that a call may take. */
  timeout: number;
  /** The model knows its tools from the start, instead of having to search for them. */
  alwaysLoad: true;
}

/**
 * Milliseconds that a call may take: more than the week that a question may stay open. It also replaces Claude Code's own
 * limits for a call, a minute for the answer's head and five minutes without progress.
 */
const CALL_MS = 8 * 24 * 3600 * 1000;

/** Serves CC-Docker's own tools on loopback, to a client that has the token. */
export class ToolServer {
  readonly #server: Server;
  readonly #authorization = `Bearer ${randomToken()}`;
  readonly #calls: ToolCalls;
  readonly #tools: readonly ToolName[];
  /** Connections that came before `open` was done. */
  #early: Socket[] = [];
  #http: HttpServer | null = null;

  /** @throws when nothing can listen on loopback */
  static async listen(calls: ToolCalls, tools: readonly ToolName[]): Promise<ToolServer> {
    const server = new ToolServer(calls, tools);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  private constructor(calls: ToolCalls, tools: readonly ToolName[]) {
    this.#calls = calls;
    this.#tools = tools;
    this.#server = createServer({ noDelay: true }, (socket) => {
      if (this.#http === null) this.#early.push(socket);
      else this.#http.emit('connection', socket);
    });
  }

  get config(): ToolServerConfig {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the tool server does not listen');
    return {
      type: 'http',
      url: `http://127.0.0.1:${address.port}/mcp`,
      headers: { Authorization: this.#authorization },
      timeout: CALL_MS,
      alwaysLoad: true,
    };
  }

  /** Loads the MCP server. Apart from `listen`, so that `claude` starts in the meantime: it connects only later. */
  async open(): Promise<void> {
    const [{ createServer: createHttp }, { timingSafeEqual }, { ToolProtocol }] = await Promise.all([
      import('node:http'),
      import('node:crypto'),
      import('./tool-protocol.ts'),
    ]);
    const protocol = new ToolProtocol(this.#calls, this.#tools);
    const wanted = Buffer.from(this.#authorization);
    const http = createHttp((request, response) => {
      const given = Buffer.from(request.headers.authorization ?? '');
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
        response.writeHead(401).end();
        return;
      }
      protocol.serve(request, response).catch((error: unknown) => {
        // When the response is destroyed, the client has ended it, for example after a cancelled call.
        if (!response.destroyed) console.error('cc-docker wrapper: tools:', error);
        response.destroy();
      });
    });
    // Otherwise the server could close an idle connection just when the client sends a call on it.
    http.keepAliveTimeout = 0;
    this.#http = http;
    for (const socket of this.#early) http.emit('connection', socket);
    this.#early = [];
  }

  /** Accepts no more connections. */
  close(): void {
    this.#server.close();
  }
}

/** 256 bits. Not by `node:crypto`: loading it takes 7 ms, and `claude` waits for this. */
function randomToken(): string {
  const bytes = Buffer.alloc(32);
  const source = openSync('/dev/urandom', 'r');
  try {
    if (readSync(source, bytes) !== bytes.length) throw new Error('/dev/urandom gave too few bytes');
  } finally {
    closeSync(source);
  }
  return bytes.toString('base64url');
}
