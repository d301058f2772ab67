import * as z from 'zod';
import type { Span } from '../../protocol/trace/span.ts';
import { newSpanId, spanIdOf } from '../../protocol/trace/context.ts';
import { record } from '../rpc/telemetry/spans.ts';
import { parseJson } from '../shared/json.ts';
import type { Transaction } from './store/changes/transaction.ts';
import type { EndedTurnRow } from './store/messages/turn-table.ts';
import type { SessionStore } from './store/store.ts';

/** Calls of tools that one turn has spans of. Those beyond it have none. */
const MOST_TOOLS = 256;

const id = z.string().min(1).max(256);
const none = z.null().catch(null);
const toolUse = z.object({ type: z.literal('tool_use'), id, name: z.string().max(128) });
const toolResult = z.object({ type: z.literal('tool_result'), tool_use_id: id, is_error: z.boolean().catch(false) });
const used = z.object({ message: z.object({ content: z.array(z.union([toolUse, none])) }) });
const answered = z.object({ message: z.object({ content: z.array(z.union([toolResult, none])) }) });

interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly start: number;
  /** Null: it has not come back. */
  end: number | null;
  failed: boolean;
}

/**
 * Records a span for each turn, and one for each tool that the agent used in it, by what `claude` says. In memory until the turn
 * ends: a restart of this object loses the spans of tools.
 */
export class TurnTraces {
  readonly #ctx: Pick<DurableObjectState, 'waitUntil'>;
  readonly #store: SessionStore;
  readonly #tools = new Map<string, ToolCall>();

  constructor(ctx: Pick<DurableObjectState, 'waitUntil'>, store: SessionStore) {
    this.#ctx = ctx;
    this.#store = store;
  }

  committed(tx: Transaction): void {
    if (this.#store.traces === null) return;
    for (const event of tx.stream) {
      if (!('seq' in event)) continue;
      if (event.type === 'assistant') this.#used(event.json, event.time);
      else if (event.type === 'user') this.#answered(event.json, event.time);
    }
    for (const turn of tx.turns) this.#ended(turn);
  }

  #used(json: string, time: number): void {
    for (const call of used.safeParse(parseJson(json)).data?.message.content ?? []) {
      if (call === null || this.#tools.size >= MOST_TOOLS) continue;
      this.#tools.set(call.id, { id: call.id, name: call.name, start: time, end: null, failed: false });
    }
  }

  #answered(json: string, time: number): void {
    for (const result of answered.safeParse(parseJson(json)).data?.message.content ?? []) {
      const call = result === null ? undefined : this.#tools.get(result.tool_use_id);
      if (result === null || call === undefined) continue;
      call.end = time;
      call.failed = result.is_error;
    }
  }

  #ended(turn: EndedTurnRow): void {
    const tools = [...this.#tools.values()];
    this.#tools.clear();
    const [message = turn.turn_id] = turn.message_ids;
    const trace = this.#store.traces?.of(message) ?? null;
    if (trace === null) return;
    const span_id = spanIdOf(turn.turn_id);
    this.#record(this.#turnSpan(turn, { ...trace, span_id }));
    for (const tool of tools) this.#record(toolSpan(tool, trace.trace_id, span_id, turn.finished));
  }

  #turnSpan(
    { origin, started, finished, result, error }: EndedTurnRow,
    ids: Pick<Span, 'trace_id' | 'span_id' | 'parent_id'>,
  ): Span {
    const { identity, state } = this.#store.current;
    return {
      ...ids,
      name: 'invoke_agent claude',
      kind: 'internal',
      start: started,
      end: finished,
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.agent.name': 'claude',
        'gen_ai.conversation.id': identity.session_id,
        'gen_ai.request.model': identity.request.config.model,
        'gen_ai.usage.input_tokens': result?.usage.input_tokens,
        'gen_ai.usage.output_tokens': result?.usage.output_tokens,
        'cc_docker.cost_usd': result?.total_cost_usd,
        'cc_docker.turn.origin': origin,
        'cc_docker.epoch': state.epoch,
      },
      ...(error !== null && { error: error.code }),
    };
  }

  #record(span: Span): void {
    record(span, this.#store.settings, (sending) => this.#ctx.waitUntil(sending));
  }
}

function toolSpan(
  { id: call, name, start, end, failed }: ToolCall,
  trace_id: string,
  parent_id: string,
  turnEnd: number,
): Span {
  return {
    trace_id,
    span_id: newSpanId(),
    parent_id,
    name: `execute_tool ${name}`,
    kind: 'internal',
    start,
    end: end ?? turnEnd,
    attributes: {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': name,
      'gen_ai.tool.call.id': call,
    },
    ...(failed && { error: 'tool_failed' }),
  };
}
