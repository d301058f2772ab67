import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';

/** A call of one of CC-Docker's own tools. */
export type ToolCall = Extract<WrapperNotice, { notice: 'tool_call' }>['call'];

/** What the model reads. */
export interface ToolResult {
  text: string;
  isError: boolean;
  /** The same as data, for a tool that has an output schema. */
  structured?: Record<string, unknown> | undefined;
}

/** Calls of CC-Docker's own tools that wait for the session's answer, for as long as it takes. */
export class ToolCalls {
  readonly #notify: (notice: WrapperNotice) => void;
  #waiting = new Map<string, (result: ToolResult) => void>();

  constructor(notify: (notice: WrapperNotice) => void) {
    this.#notify = notify;
  }

  /**
   * Sends a call to the session. Settles with its answer; with null once `cancelled` is aborted.
   *
   * @param tool_use_id how Claude Code names the call in its lines; undefined: it did not say
   */
  call(call: ToolCall, cancelled: AbortSignal, tool_use_id?: string): Promise<ToolResult | null> {
    const call_id = crypto.randomUUID();
    return new Promise((resolve) => {
      const cancel = (): void => {
        this.#waiting.delete(call_id);
        this.#notify({ notice: 'tool_cancelled', call_id });
        resolve(null);
      };
      cancelled.addEventListener('abort', cancel, { once: true });
      this.#waiting.set(call_id, (result) => {
        cancelled.removeEventListener('abort', cancel);
        resolve(result);
      });
      this.#notify({ notice: 'tool_call', call_id, call, ...(tool_use_id !== undefined && { tool_use_id }) });
    });
  }

  /** The session answers. An answer to a call that is cancelled or answered already has no effect. */
  answer(callId: string, result: ToolResult): void {
    const settle = this.#waiting.get(callId);
    this.#waiting.delete(callId);
    settle?.(result);
  }
}
