import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

/** An MCP server over HTTP on loopback, which can go and come back at the same address. Its one tool is `hello`. */
export class RemoteServer implements AsyncDisposable {
  #server: Server | null = null;
  #port = 0;

  static async start(): Promise<RemoteServer> {
    const remote = new RemoteServer();
    await remote.open();
    return remote;
  }

  get definition() {
    return { type: 'http', url: `http://127.0.0.1:${this.#port}/mcp` };
  }

  async open(): Promise<void> {
    const server = createServer(serveMcp());
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
    this.#server = server;
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** What an HTTP server does with requests to be an MCP server with the one tool `hello`. */
export function serveMcp(): (request: IncomingMessage, response: ServerResponse) => void {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const transport = transports.get(String(request.headers['mcp-session-id'])) ?? (await newTransport(transports));
    await transport.handleRequest(request, response);
  };
  return (request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  };
}

async function newTransport(transports: Map<string, StreamableHTTPServerTransport>) {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void transports.set(id, transport),
  });
  const server = new McpServer({ name: 'remote', version: '1' });
  server.registerTool('hello', { annotations: { readOnlyHint: true } }, () => ({
    content: [{ type: 'text', text: 'hello from afar' }],
  }));
  await server.connect(transport);
  return transport;
}
