import { v7 as uuidV7 } from 'uuid';
import type { Refusal } from '../../../../protocol/api/problem.ts';
import type { AgentTool } from '../../../../protocol/api/session/session-config.ts';
import type { ScheduleWakeupInput, WakeupToolCall } from '../../../../protocol/link/wakeup-tools.ts';
import { listedWakeup, wakeupMessage, wakeupTime, wakeupViewOf } from '../../core/turns/wakeup.ts';
import type { Change } from './change.ts';
import { refusalText, type CallAnswer } from './child-changes.ts';
import { promptBytes, queueExcess, type QueueBound } from '../../core/queue-bound.ts';
import { traceOfRunningTurn } from '../messages/turn-trace.ts';
import type { SessionTables } from '../session-tables.ts';

const NO_SUCH_WAKEUP: Refusal = {
  refused: 'wakeup_not_found',
  detail: 'No wake-up with this id waits: it has come, was canceled, or never was.',
};

/** Whether a tool call is about wake-ups. */
export function isWakeupCall(call: { readonly tool: AgentTool }): call is WakeupToolCall {
  return call.tool === 'schedule_wakeup' || call.tool === 'list_wakeups' || call.tool === 'cancel_wakeup';
}

/** The part of a transaction about wake-ups: the agent schedules them, and each becomes a message when its time has come. */
export class WakeupChanges {
  readonly #tx: Change;
  readonly #tables: SessionTables;
  readonly #queue: QueueBound;
  readonly #now: number;

  constructor(
    tx: Change,
    { tables, queue, now }: { readonly tables: SessionTables; readonly queue: QueueBound; readonly now: number },
  ) {
    this.#tx = tx;
    this.#tables = tables;
    this.#queue = queue;
    this.#now = now;
  }

  /** The agent has called one of the tools. It is answered at once. */
  called(call_id: string, call: WakeupToolCall): void {
    const answer = this.#answer(call);
    if ('refused' in answer)
      return this.#tx.order({ command: 'tool_result', call_id, text: refusalText(answer), is_error: true });
    const { structured } = answer;
    const text = JSON.stringify(structured);
    this.#tx.order({ command: 'tool_result', call_id, text, is_error: false, structured });
  }

  /** Cancels a wake-up that has not come yet; null: done. */
  cancel(wakeup_id: string): Refusal | null {
    if (!this.#tables.wakeups.remove(wakeup_id)) return NO_SUCH_WAKEUP;
    this.#tx.emit({ type: 'wakeup.canceled', data: { wakeup_id } });
    return null;
  }

  /** Those whose time has come become messages, however many messages wait already. */
  fire(): void {
    for (const wakeup of this.#tables.wakeups.due(this.#now)) {
      const { wakeup_id } = wakeup;
      const message_id = uuidV7();
      this.#tables.wakeups.remove(wakeup_id);
      this.#tx.emit({ type: 'wakeup.fired', data: { wakeup_id, message_id } });
      // It goes on in the trace of the turn that scheduled it.
      const traceparent = this.#tables.traces?.causeOf(wakeup_id);
      this.#tx.prompt({ message_id, prompt: wakeupMessage(wakeup), origin: 'agent', traceparent });
    }
  }

  #answer(call: WakeupToolCall): CallAnswer {
    if (call.tool === 'schedule_wakeup') return this.#schedule(call.input);
    if (call.tool === 'list_wakeups') return { structured: { wakeups: this.#tables.wakeups.all().map(listedWakeup) } };
    return this.cancel(call.input.wakeup_id.toLowerCase()) ?? { structured: { canceled: true } };
  }

  #schedule({ prompt, ...when }: ScheduleWakeupInput): CallAnswer {
    const at = wakeupTime(when, this.#tables.wakeups.all().length, this.#now);
    if (typeof at !== 'number') return at;
    // When its time comes it joins the queue without a question, so it needs its room there now.
    const waiting = this.#tables.messages.waitingBytes() + this.#tables.wakeups.bytes();
    const tooMuch = queueExcess(waiting, promptBytes(prompt), this.#queue);
    if (tooMuch !== null) return tooMuch;
    const wakeup = { wakeup_id: uuidV7(), at, prompt };
    this.#tables.wakeups.add(wakeup);
    this.#tables.traces?.addCause(wakeup.wakeup_id, traceOfRunningTurn(this.#tables, this.#tx.record.state));
    const view = wakeupViewOf(wakeup);
    this.#tx.emit({ type: 'wakeup.scheduled', data: view });
    return { structured: { wakeup_id: view.wakeup_id, at: view.at } };
  }
}
