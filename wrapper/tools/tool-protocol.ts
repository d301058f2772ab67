import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { CallToolRequestSchema, type CallToolResult, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import type { ToolCalls, ToolResult } from './tool-calls.ts';
import { TOOL_SERVER, type ToolName } from './tool-names.ts';
import { TOOLS } from './tool-table.ts';

/** MCP over HTTP for CC-Docker's own tools, for any number of MCP connections. */
export class ToolProtocol {
  readonly #calls: ToolCalls;
  readonly #tools: readonly ToolName[];
  /** By MCP's own session id. `claude` has one, and gets another when it reconnects. */
  #transports = new Map<string, WebStandardStreamableHTTPServerTransport>();

  constructor(calls: ToolCalls, tools: readonly ToolName[]) {
    this.#calls = calls;
    this.#tools = tools;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const known = this.#transports.get(String(request.headers['mcp-session-id']));
    const transport = known ?? (await this.#connect());
    const answer = await transport.handleRequest(await webRequest(request));
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    // The result can take days, but Claude Code waits only a minute for the head.
    response.flushHeaders();
    if (answer.body === null) response.end();
    else await pipeline(Readable.fromWeb(answer.body), response);
  }

  async #connect(): Promise<WebStandardStreamableHTTPServerTransport> {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void this.#transports.set(id, transport),
      onsessionclosed: (id) => void this.#transports.delete(id),
    });
    const server = new Server({ name: TOOL_SERVER, version: '1' }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: this.#tools.map((name) => TOOLS[name].describe()),
    }));
    server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal }) =>
      this.#run(params.name, params.arguments ?? {}, signal),
    );
    await server.connect(transport);
    return transport;
  }

  async #run(name: string, args: Record<string, unknown>, cancelled: AbortSignal): Promise<CallToolResult> {
    const tool = this.#tools.find((offered) => offered === name);
    if (tool === undefined) return failed(`There is no tool ${name} here, only ${this.#tools.join(', ')}.`);
    const call = TOOLS[tool].read(args);
    if (call instanceof z.ZodError) return failed(unfit(tool, call));
    return outcome(tool, await this.#calls.call(call, cancelled));
  }
}

function unfit(tool: ToolName, error: z.ZodError): string {
  return `Nothing was done: these arguments of ${tool} do not fit. Correct them and call it again.\n${z.prettifyError(error)}`;
}

/**
 * The result of a tool with an output schema either has data or is an error, and an error has no data (MCP, "Structured
 * Content").
 */
function outcome(tool: ToolName, { text, isError, structured }: ToolResult): CallToolResult {
  if (isError) return failed(text);
  const content: CallToolResult['content'] = [{ type: 'text', text }];
  if (!TOOLS[tool].structured) return { content, isError };
  if (structured !== undefined) return { content, structuredContent: structured, isError };
  return failed(`${tool} may have worked, but its answer is incomplete; that is no fault of yours. It was: ${text}`);
}

function failed(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true };
}

async function webRequest(request: IncomingMessage): Promise<Request> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headersDistinct))
    for (const each of value ?? []) headers.append(name, each);
  const method = request.method ?? 'GET';
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = method === 'GET' || method === 'HEAD' ? null : Buffer.concat(chunks);
  return new Request(`http://${TOOL_SERVER}${request.url ?? '/'}`, { method, headers, body });
}
