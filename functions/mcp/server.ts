import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import { MAX_CONTENT_BYTES } from '../../protocol/settings/limits.ts';
import { VERSION } from '../../protocol/version.ts';
import type { Api } from './api.ts';
import { bodyRefused, readMcpBody } from './body.ts';
import { childTools } from './tools/child-tools.ts';
import { fileTools } from './tools/file-tools.ts';
import { messageTools } from './tools/message-tools.ts';
import { peopleTools } from './tools/people-tools.ts';
import { sessionTools } from './tools/session-tools.ts';
import type { CallContext, Tool } from './tools/tool.ts';

const TOOLS: readonly Tool[] = [...sessionTools, ...messageTools, ...peopleTools, ...fileTools, ...childTools];

/** The tools as clients are told of them. Made at the first request. */
let listed: ReturnType<Tool['list']>[] | null = null;

const INSTRUCTIONS = `CC-Docker runs agents (Claude Code), each in a container of its own with files and tools: a session. Begin one with create_session and a prompt, then wait_for_result; go on in the same session with send_message. When wait_for_result says needs_answer, the agent asks something: answer_interaction. Stop or delete sessions that are done.`;

/**
 * This server asks its clients nothing (elicitation), and the SDK's own validator compiles schemas with `eval`, which
 * workerd does not allow.
 */
const NO_VALIDATOR = {
  getValidator(): never {
    throw new Error('this server asks its clients nothing');
  },
};

/**
 * Answers one POST of MCP's streamable HTTP. Nothing is kept between two of them: any caller with the token can call
 * any tool, and there is no MCP session to lose.
 */
export async function serveMcp(request: Request, bodyTimeout: number, api: Api): Promise<Response> {
  const body = await readMcpBody(request, bodyTimeout);
  if (typeof body === 'string') return bodyRefused(body);
  const server = new Server(
    { name: 'cc-docker', title: 'CC-Docker', version: VERSION },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS, jsonSchemaValidator: NO_VALIDATOR },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: (listed ??= TOOLS.map((tool) => tool.list())) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken;
    const progress: CallContext['progress'] = async (progress, total, message) => {
      if (signal.aborted || progressToken === undefined) return;
      await sendNotification({
        method: 'notifications/progress',
        params: { progressToken, progress, total, message },
      });
    };
    return callTool(params.name, params.arguments ?? {}, {
      api,
      signal,
      ...(progressToken !== undefined && { progress }),
    });
  });
  const transport = new WebStandardStreamableHTTPServerTransport({ maxRequestBodySize: MAX_CONTENT_BYTES });
  await server.connect(transport);
  const end = (): void => void server.close();
  request.signal.addEventListener('abort', end, { once: true });
  const whole = new Request(request.url, { method: request.method, headers: request.headers, body });
  return endingWith(await transport.handleRequest(whole), end);
}

async function callTool(name: string, given: unknown, context: CallContext): Promise<CallToolResult> {
  const tool = TOOLS.find((each) => each.name === name);
  if (tool === undefined) {
    const names = TOOLS.map((each) => each.name).join(', ');
    throw new McpError(ErrorCode.InvalidParams, `There is no tool ${name} here, only ${names}.`);
  }
  try {
    return await tool.call(given, context);
  } catch (error) {
    console.error(error);
    throw new McpError(
      ErrorCode.InternalError,
      'A fault in CC-Docker. The log of the edge says more. Please report it.',
    );
  }
}

/** The same response. If the client disconnects while it is written, `end` is called: the SDK would let the call go on. */
function endingWith(response: Response, end: () => void): Response {
  if (response.body === null) return response;
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
}
