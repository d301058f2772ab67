import {
  createMcpHandler,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type CallToolResult,
} from '@modelcontextprotocol/server';
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

/** How long a client may keep the list of tools, milliseconds: it changes with an upgrade alone, and is everybody's. */
const LIST_TTL_MS = 600_000;

/**
 * Answers one POST of MCP's streamable HTTP, of revision 2026-07-28 and of those before it. Nothing is kept between two of them: any
 * caller with the token can call any tool, and there is no MCP session to lose.
 */
export async function serveMcp(request: Request, bodyTimeout: number, api: Api): Promise<Response> {
  const body = await readMcpBody(request, bodyTimeout);
  if (typeof body === 'string') return bodyRefused(body);
  const handler = createMcpHandler(() => newServer(api), {
    maxRequestBodySize: MAX_CONTENT_BYTES,
    // This server says nothing unasked, so a subscription would be a stream that is open for nothing.
    maxSubscriptions: 0,
  });
  const { url, method, headers, signal } = request;
  return await handler.fetch(new Request(url, { method, headers, body, signal }));
}

function newServer(api: Api): Server {
  const server = new Server(
    { name: 'cc-docker', title: 'CC-Docker', version: VERSION },
    {
      capabilities: { tools: {} },
      instructions: INSTRUCTIONS,
      jsonSchemaValidator: NO_VALIDATOR,
      cacheHints: { 'tools/list': { ttlMs: LIST_TTL_MS, cacheScope: 'public' } },
    },
  );
  server.setRequestHandler('tools/list', () => ({ tools: (listed ??= TOOLS.map((tool) => tool.list())) }));
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq: { signal, _meta, notify } }) => {
    const progressToken = _meta?.progressToken;
    const progress: CallContext['progress'] = async (progress, total, message) => {
      if (signal.aborted || progressToken === undefined) return;
      await notify({ method: 'notifications/progress', params: { progressToken, progress, total, message } });
    };
    return callTool(params.name, params.arguments ?? {}, {
      api,
      signal,
      ...(progressToken !== undefined && { progress }),
    });
  });
  return server;
}

async function callTool(name: string, given: unknown, context: CallContext): Promise<CallToolResult> {
  const tool = TOOLS.find((each) => each.name === name);
  if (tool === undefined) {
    const names = TOOLS.map((each) => each.name).join(', ');
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool ${name} here, only ${names}.`);
  }
  try {
    return await tool.call(given, context);
  } catch (error) {
    console.error(error);
    throw new ProtocolError(
      ProtocolErrorCode.InternalError,
      'A fault in CC-Docker. The log of the edge says more. Please report it.',
    );
  }
}
