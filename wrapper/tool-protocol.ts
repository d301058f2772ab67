import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { CallToolRequestSchema, type CallToolResult, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { askUserInput, notifyUserInput } from '../protocol/interaction.ts';
import type { ToolCall, ToolCalls } from './tool-calls.ts';
import { describeTools } from './tool-descriptions.ts';
import { TOOL_SERVER, type ToolName } from './tool-names.ts';

/** MCP over HTTP for CC-Docker's own tools. One of these serves any number of connections, one after the other. */
export class ToolProtocol {
  readonly #calls: ToolCalls;
  readonly #tools: readonly ToolName[];
  /** By MCP's own session id. A `claude` has one, and another if it connects anew. */
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
    // The result can take days, and Claude Code waits a minute for the head.
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
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: describeTools(this.#tools) }));
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }) => {
      const call = this.#read(params.name, params.arguments ?? {});
      if (typeof call === 'string') return result(call, true);
      const { text, isError } = await this.#calls.call(call, signal);
      return result(text, isError);
    });
    await server.connect(transport);
    return transport;
  }

  /** A text: it is none, and what the model should do instead. */
  #read(name: string, given: Record<string, unknown>): ToolCall | string {
    const tool = this.#tools.find((offered) => offered === name);
    if (tool === undefined) return `There is no tool ${name} here, only ${this.#tools.join(' and ')}.`;
    if (tool === 'ask_user') {
      const input = askUserInput.safeParse(given);
      return input.success ? { tool, input: input.data } : unfit(tool, input.error);
    }
    const input = notifyUserInput.safeParse(given);
    return input.success ? { tool, input: input.data } : unfit(tool, input.error);
  }
}

function unfit(tool: ToolName, error: z.ZodError): string {
  return `Nobody was reached: these arguments of ${tool} do not fit. Correct them and call it again.\n${z.prettifyError(error)}`;
}

function result(text: string, isError: boolean): CallToolResult {
  return { content: [{ type: 'text', text }], isError };
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
