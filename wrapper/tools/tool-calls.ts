import type { WrapperNotice } from '../../protocol/link/wrapper-notice.ts';

/** A call of one of CC-Docker's own tools. */
export type ToolCall = Extract<WrapperNotice, { notice: 'tool_call' }>['call'];

/** What the model reads. */
export interface ToolResult {
  text: string;
  isError: boolean;
  /** The same as data, of a tool that has a schema for it. */
  structured?: Record<string, unknown> | undefined;
}

/** Calls of CC-Docker's own tools that wait for the session's answer, for as long as it takes. */
export class ToolCalls {
  readonly #say: (notice: WrapperNotice) => void;
  #waiting = new Map<string, (result: ToolResult) => void>();

  constructor(say: (notice: WrapperNotice) => void) {
    this.#say = say;
  }

  /** Tells the session of a call, and settles with its answer; never, once `cancelled` is aborted. */
  call(call: ToolCall, cancelled: AbortSignal): Promise<ToolResult> {
    const call_id = crypto.randomUUID();
    return new Promise((resolve) => {
      const cancel = (): void => {
        if (this.#waiting.delete(call_id)) this.#say({ notice: 'tool_cancelled', call_id });
      };
      cancelled.addEventListener('abort', cancel, { once: true });
      this.#waiting.set(call_id, (result) => {
        cancelled.removeEventListener('abort', cancel);
        resolve(result);
      });
      this.#say({ notice: 'tool_call', call_id, call });
    });
  }

  /** The session answers. One that is cancelled, or answered already, takes no answer. */
  answer(callId: string, result: ToolResult): void {
    const settle = this.#waiting.get(callId);
    this.#waiting.delete(callId);
    settle?.(result);
  }
}
