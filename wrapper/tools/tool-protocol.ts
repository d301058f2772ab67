import * as z from 'zod';
import type { ToolCalls, ToolResult } from './tool-calls.ts';
import { initialized, listed, PROTOCOL_VERSION } from './tool-manifest.ts';
import type { ToolName } from './tool-names.ts';
import { TOOLS } from './tool-table.ts';

/**
 * MCP for CC-Docker's own tools: the server's side of the methods that Claude Code uses. Not by the MCP SDK, which would add a
 * third to the wrapper's bundle.
 */

/** JSON-RPC's codes for errors. */
const INVALID_REQUEST = -32600;
const UNKNOWN_METHOD = -32601;
const INVALID_PARAMS = -32602;
/** Of the Language Server Protocol: JSON-RPC has none for this. */
const CANCELLED = -32800;

const id = z.union([z.string(), z.number()]);
type Id = z.infer<typeof id>;

const request = z.object({ id, method: z.string(), params: z.record(z.string(), z.unknown()).default({}) });
const notification = request.omit({ id: true });
const initializeParams = z.object({ protocolVersion: z.string() });
/** Where Claude Code says which of its tool uses a call is. */
const TOOL_USE_ID = 'claudecode/toolUseId';
const callParams = z.object({
  name: z.string(),
  arguments: z.record(z.string(), z.unknown()).default({}),
  _meta: z
    .object({ [TOOL_USE_ID]: z.string().max(256).optional().catch(undefined) })
    .catch({})
    .default({}),
});
type CallParams = z.infer<typeof callParams>;
const cancelledParams = z.object({ requestId: id });

type Answer = { result: object } | { error: { code: number; message: string } };
type JsonRpcAnswer = { jsonrpc: '2.0'; id: Id } & Answer;

interface CallResult {
  content: { type: 'text'; text: string }[];
  structuredContent?: Record<string, unknown>;
  isError: boolean;
}

/** Answers an MCP client's messages. */
export class ToolProtocol {
  readonly #calls: ToolCalls;
  readonly #tools: readonly ToolName[];
  readonly #running = new Map<Id, AbortController>();

  constructor(calls: ToolCalls, tools: readonly ToolName[]) {
    this.#calls = calls;
    this.#tools = tools;
  }

  /** Answers a message. A notification gets an answer too: Claude Code waits for one, and looks at nothing in it. */
  async serve(message: unknown): Promise<JsonRpcAnswer> {
    const asked = request.safeParse(message);
    if (asked.success) {
      const { id, method, params } = asked.data;
      return { jsonrpc: '2.0', id, ...(await this.#answer(id, method, params)) };
    }
    const told = notification.safeParse(message);
    if (!told.success) return { jsonrpc: '2.0', id: 0, ...failure(INVALID_REQUEST, 'This is no message of JSON-RPC.') };
    if (told.data.method === 'notifications/cancelled') this.#cancel(told.data.params);
    return { jsonrpc: '2.0', id: 0, result: {} };
  }

  async #answer(id: Id, method: string, params: Record<string, unknown>): Promise<Answer> {
    switch (method) {
      case 'initialize': {
        // What is used here is the same in every version of MCP.
        const parsed = initializeParams.safeParse(params);
        return { result: initialized(parsed.data?.protocolVersion ?? PROTOCOL_VERSION) };
      }
      case 'ping':
        return { result: {} };
      case 'tools/list':
        return { result: listed(this.#tools) };
      case 'tools/call':
        return await this.#call(id, params);
    }
    return failure(UNKNOWN_METHOD, `There is no method ${method} here.`);
  }

  async #call(id: Id, params: Record<string, unknown>): Promise<Answer> {
    const parsed = callParams.safeParse(params);
    if (!parsed.success) return failure(INVALID_PARAMS, z.prettifyError(parsed.error));
    const cancelling = new AbortController();
    this.#running.set(id, cancelling);
    const result = await this.#run(parsed.data, cancelling.signal);
    this.#running.delete(id);
    return result === null ? failure(CANCELLED, 'The call was cancelled.') : { result };
  }

  #cancel(params: Record<string, unknown>): void {
    const parsed = cancelledParams.safeParse(params);
    if (parsed.success) this.#running.get(parsed.data.requestId)?.abort();
  }

  /** Null: cancelled. */
  async #run({ name, arguments: args, _meta }: CallParams, cancelled: AbortSignal): Promise<CallResult | null> {
    const tool = this.#tools.find((offered) => offered === name);
    if (tool === undefined) return failed(`There is no tool ${name} here, only ${this.#tools.join(', ')}.`);
    const call = TOOLS[tool].read(args);
    if (call instanceof z.ZodError) return failed(unfit(tool, call));
    const result = await this.#calls.call(call, cancelled, _meta[TOOL_USE_ID]);
    return result === null ? null : outcome(tool, result);
  }
}

function failure(code: number, message: string): Answer {
  return { error: { code, message } };
}

function unfit(tool: ToolName, error: z.ZodError): string {
  return `Nothing was done: these arguments of ${tool} do not fit. Correct them and call it again.\n${z.prettifyError(error)}`;
}

/**
 * The result of a tool with an output schema either has data or is an error, and an error has no data (MCP, "Structured
 * Content").
 */
function outcome(tool: ToolName, { text, isError, structured }: ToolResult): CallResult {
  if (isError) return failed(text);
  const content: CallResult['content'] = [{ type: 'text', text }];
  if (!TOOLS[tool].structured) return { content, isError };
  if (structured !== undefined) return { content, structuredContent: structured, isError };
  return failed(`${tool} may have worked, but its answer is incomplete; that is no fault of yours. It was: ${text}`);
}

function failed(text: string): CallResult {
  return { content: [{ type: 'text', text }], isError: true };
}
