import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { ToolCalls, type ToolResult } from './tool-calls.ts';
import { manifestOf } from './tool-manifest.ts';
import { TOOL_SERVER, type ToolName } from './tool-names.ts';
import type { ToolProtocol } from './tool-protocol.ts';

/**
 * Milliseconds that a call may take: more than the week that a question may stay open. It replaces Claude Code's own limits
 * for a call (`MCP_TOOL_TIMEOUT`).
 */
const CALL_MS = 8 * 24 * 3600 * 1000;

/** A line for `claude`'s standard input. */
interface ToolAnswer {
  type: 'control_response';
  response:
    | { subtype: 'success'; request_id: string; response: { mcp_response: object } }
    | { subtype: 'error'; request_id: string; error: string };
}

/**
 * CC-Docker's own tools, as an MCP server that `claude` reaches over its standard input and output: it costs no process and
 * no socket, and needs no credential.
 */
export class ToolChannel {
  readonly #tools: readonly ToolName[];
  readonly #calls: ToolCalls;
  #protocol: Promise<ToolProtocol> | null = null;

  constructor(tools: readonly ToolName[], notify: (notice: WrapperNotice) => void) {
    this.#tools = tools;
    this.#calls = new ToolCalls(notify);
  }

  /** The fields of `initialize` that tell `claude` of the server; none without tools. */
  offer(): object {
    if (this.#tools.length === 0) return {};
    return {
      sdkMcpServers: [TOOL_SERVER],
      // A call that waits for a person must end its turn rather than go to the background.
      sdkMcpServerConfigs: { [TOOL_SERVER]: { timeout: CALL_MS, disableAutoBackground: true } },
      // With these `claude` does not ask for them: its first turn waits for nothing.
      sdkMcpServerManifests: { [TOOL_SERVER]: manifestOf(this.#tools) },
    };
  }

  /** `claude` sends the server a message of MCP. @returns the answer for it, once there is one */
  async received(request_id: string, server: string, message: unknown): Promise<ToolAnswer> {
    if (server !== TOOL_SERVER || this.#tools.length === 0) {
      const error = `cc-docker has no MCP server ${server}`;
      return { type: 'control_response', response: { subtype: 'error', request_id, error } };
    }
    const mcp_response = await (await this.#load()).serve(message);
    return { type: 'control_response', response: { subtype: 'success', request_id, response: { mcp_response } } };
  }

  /** The session answers a call. */
  answer(callId: string, result: ToolResult): void {
    this.#calls.answer(callId, result);
  }

  /** Loaded with the first message, which is a call: no start waits for it. */
  #load(): Promise<ToolProtocol> {
    this.#protocol ??= import('./tool-protocol.ts').then(
      ({ ToolProtocol }) => new ToolProtocol(this.#calls, this.#tools),
    );
    return this.#protocol;
  }
}
