import * as z from 'zod';
import type { ShareArtifactInput, shareArtifactOutput } from '../../../protocol/api/files/artifact.ts';
import { CHILD_EVENTS_PAGE, type childToolOutputs, type ChildToolCall } from '../../../protocol/link/child-tools.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { AgentCallRow } from '../store/tables/agent-call-table.ts';
import { condense } from '../core/children/condense-event.ts';
import type { Outgoing } from '../../shared/retrying-call.ts';
import type { Peers } from '../store/peers.ts';
import type { ChildOutcome } from '../../rpc/session/views.ts';
import type { Artifacts } from '../files/artifacts.ts';
import type { PortView, SharePortInput, sharePortOutput } from '../../../protocol/api/session/port.ts';
import { traceOfRunningTurn } from '../store/messages/turn-trace.ts';
import type { SessionStore } from '../store/store.ts';
import type { Transaction } from '../store/changes/transaction.ts';
import type { SessionChildren } from './children.ts';

/** How long after a failure calls are processed again, milliseconds. */
const RETRY_MS = 1000;
/** Most characters of text in one page of a child's events. */
const PAGE_TEXT = 60_000;

type Outputs = { [T in keyof typeof childToolOutputs]: z.infer<(typeof childToolOutputs)[T]> };
type ToolInput<T extends ChildToolCall['tool']> = Extract<ChildToolCall, { tool: T }>['input'];

/**
 * The outcome of a call. `keep` runs in the transaction that stores the answer. `waitsFor`: the call waits for an
 * update of this child; `lastUpdate` is the number of its last update that had arrived before this request.
 */
type Outcome<T> =
  | { readonly output: T; readonly keep?: (tx: Transaction) => void }
  /** The outcome of a child's message. */
  | { readonly result: ChildOutcome & { readonly child_session_id: string } }
  | Refusal
  | { readonly waitsFor: string; readonly lastUpdate: number };

/** What shares a port for the agent (`durable/session/ports/`). */
export type SharePort = (input: SharePortInput) => Promise<PortView | Refusal>;

const eventPage = z.object({
  data: z.array(z.object({ seq: z.int(), time: z.string(), type: z.string(), data: z.unknown() })),
  last_seq: z.int(),
});

const REFUSED_CHILD: Refusal = {
  refused: 'session_not_found',
  detail:
    'None of your children has this id. list_children names those that you have; their own children answer to them alone.',
};

/**
 * Answers the agent's tool calls that concern other sessions, or files for people. Each call is stored until it is
 * answered, and processed again after a crash.
 */
export class AgentCalls implements Outgoing {
  readonly #ctx: DurableObjectState;
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #children: SessionChildren;
  readonly #artifacts: Artifacts;
  readonly #sharePort: SharePort;
  readonly #retry: () => void;
  readonly #underWay = new Set<string>();
  #failedAt: number | null = null;

  /** @param retry schedules a call of `send` at `nextTry` */
  constructor(
    ctx: DurableObjectState,
    parts: {
      readonly store: SessionStore;
      readonly peers: Peers;
      readonly children: SessionChildren;
      readonly artifacts: Artifacts;
      readonly sharePort: SharePort;
    },
    retry: () => void,
  ) {
    this.#ctx = ctx;
    this.#store = parts.store;
    this.#peers = parts.peers;
    this.#children = parts.children;
    this.#artifacts = parts.artifacts;
    this.#sharePort = parts.sharePort;
    this.#retry = retry;
  }

  /** When there is something to do, epoch milliseconds; null: nothing. */
  nextTry(): number | null {
    const now = Date.now();
    const deadline = this.#store.calls.nextDeadline();
    // A due call is processed at once. This time is for a call that was cut off.
    if (this.#store.calls.due(now).length > 0) return (this.#failedAt ?? now) + RETRY_MS;
    return deadline;
  }

  /** Processes the calls that are due. */
  send(): void {
    const now = Date.now();
    if (this.#failedAt !== null && now < this.#failedAt + RETRY_MS) return;
    this.#failedAt = null;
    for (const row of this.#store.calls.due(now)) {
      if (this.#underWay.has(row.call_id)) continue;
      this.#underWay.add(row.call_id);
      this.#ctx.waitUntil(this.#process(row, now));
    }
  }

  async #process(row: AgentCallRow, now: number): Promise<void> {
    try {
      const outcome = await this.#answer(row, now);
      this.#storeOutcome(row.call_id, outcome);
    } catch (error) {
      console.error(`session: could not answer a tool call, trying again: ${String(error)}`);
      this.#failedAt = Date.now();
      if (this.#store.record !== null) this.#retry();
    } finally {
      this.#underWay.delete(row.call_id);
    }
    // An update that came meanwhile may have made calls due.
    if (this.#store.record !== null) this.send();
  }

  #storeOutcome(callId: string, outcome: Outcome<object>): void {
    this.#store.changeIfPresent((tx) => {
      if ('waitsFor' in outcome) {
        const { waitsFor, lastUpdate } = outcome;
        // A newer update may be the one that the call waits for. The call then stays due, and asks the child again.
        if (this.#store.children.lastUpdate(waitsFor) === lastUpdate) this.#store.calls.waitFor(callId, waitsFor);
        return;
      }
      if ('result' in outcome) return tx.children.result(callId, outcome.result);
      if ('output' in outcome) outcome.keep?.(tx);
      tx.children.answer(callId, 'refused' in outcome ? outcome : { structured: { ...outcome.output } });
    });
  }

  async #answer({ call, call_id, made, deadline, over }: AgentCallRow, now: number): Promise<Outcome<object>> {
    switch (call.tool) {
      case 'spawn_session':
        return (await this.#peers.lowDisk()) ?? this.#spawn(call.input, call_id, made);
      case 'list_children':
        return this.#list();
      case 'send_to_child':
        return (await this.#peers.lowDisk()) ?? this.#send(call.input, made);
      case 'get_child_result':
        return this.#result(call.input, { overdue: deadline !== null && now >= deadline, over });
      case 'get_child_events':
        return this.#events(call.input);
      case 'interrupt_child':
        return this.#interrupt(call.input);
      case 'stop_child':
        return this.#stop(call.input);
      case 'share_port':
        return this.#openPort(call.input);
      case 'share_artifact':
        break;
    }
    return (await this.#peers.lowDisk()) ?? this.#share(call.input, call_id, made, deadline ?? now);
  }

  async #spawn(
    input: ToolInput<'spawn_session'>,
    callId: string,
    made: string,
  ): Promise<Outcome<Outputs['spawn_session']>> {
    const { prompt, title, workspace = 'ephemeral', ...config } = input;
    const request = { prompt, ...(title === undefined ? {} : { title }), workspace: { type: workspace }, config };
    const isWanted = () => this.#store.record !== null && this.#store.calls.get(callId) !== null;
    const spawned = await this.#children.spawn({ child_id: made, request, idempotency_key: undefined, isWanted });
    if ('refused' in spawned) return spawned;
    const { view, child } = spawned;
    return { output: { child_session_id: view.session_id, message_id: child.message_id, status: view.status } };
  }

  async #list(): Promise<Outcome<Outputs['list_children']>> {
    const children = await Promise.all(
      this.#store.children.all().map(async ({ id }) => {
        const line = await this.#child(id).childLine(this.#owner);
        return 'refused' in line ? [] : [{ child_session_id: id, ...line }];
      }),
    );
    return { output: { children: children.flat() } };
  }

  async #send(
    { child_session_id: id, prompt }: ToolInput<'send_to_child'>,
    made: string,
  ): Promise<Outcome<Outputs['send_to_child']>> {
    if (!this.#isChild(id)) return REFUSED_CHILD;
    const input = {
      message_id: made,
      prompt,
      timeout_seconds: undefined,
      idempotency_key: undefined,
      origin: 'parent',
      traceparent: traceOfRunningTurn(this.#store, this.#store.current.state),
    } as const;
    const sent = await this.#child(id).chat(this.#owner, input);
    if ('refused' in sent) return sent;
    const line = await this.#child(id).childLine(this.#owner);
    return 'refused' in line ? line : { output: { message_id: sent.message_id, status: line.status } };
  }

  async #result(
    { child_session_id: id, message_id }: ToolInput<'get_child_result'>,
    { overdue, over }: { readonly overdue: boolean; readonly over: boolean },
  ): Promise<Outcome<Outputs['get_child_result']>> {
    const lastUpdate = this.#store.children.lastUpdate(id.toLowerCase());
    if (lastUpdate === null) return REFUSED_CHILD;
    const outcome = await this.#child(id).childOutcome(this.#owner, message_id?.toLowerCase());
    if ('refused' in outcome) return outcome;
    // A message that wakes the session has to bring a result.
    const goesOn = outcome.state === 'working' ? !overdue : over && outcome.state === 'paused';
    if (goesOn) return { waitsFor: id.toLowerCase(), lastUpdate };
    return { result: { child_session_id: id, ...outcome } };
  }

  async #events(input: ToolInput<'get_child_events'>): Promise<Outcome<Outputs['get_child_events']>> {
    const { child_session_id: id, after = 0, limit = CHILD_EVENTS_PAGE } = input;
    if (!this.#isChild(id)) return REFUSED_CHILD;
    const page = await this.#child(id).events(this.#owner, after, limit);
    if ('refused' in page) return page;
    const { data, last_seq } = eventPage.parse(JSON.parse(new TextDecoder().decode(page.json)));
    const events: Outputs['get_child_events']['events'] = [];
    let size = 0;
    let next_after = after;
    for (const { seq, time, type, data: content } of data) {
      const text = condense(type, content);
      size += text.length;
      if (size > PAGE_TEXT && events.length > 0) break;
      next_after = seq;
      if (text !== '') events.push({ seq, time, type, text });
    }
    return { output: { events, next_after, last_seq } };
  }

  async #interrupt({
    child_session_id: id,
  }: ToolInput<'interrupt_child'>): Promise<Outcome<Outputs['interrupt_child']>> {
    if (!this.#isChild(id)) return REFUSED_CHILD;
    const answer = await this.#child(id).interrupt(this.#owner, false);
    return 'refused' in answer ? answer : { output: { interrupted: answer.interrupted } };
  }

  async #stop({ child_session_id: id }: ToolInput<'stop_child'>): Promise<Outcome<Outputs['stop_child']>> {
    if (!this.#isChild(id)) return REFUSED_CHILD;
    const answer = await this.#child(id).stop(this.#owner);
    return 'refused' in answer ? answer : { output: { status: answer.status } };
  }

  async #openPort(input: SharePortInput): Promise<Outcome<z.infer<typeof sharePortOutput>>> {
    const shared = await this.#sharePort(input);
    if ('refused' in shared) return shared;
    const { port, url, expires_at, listening } = shared;
    return { output: { port, url, expires_at, listening } };
  }

  async #share(
    input: ShareArtifactInput,
    callId: string,
    made: string,
    deadline: number,
  ): Promise<Outcome<z.infer<typeof shareArtifactOutput>>> {
    const isWanted = () => this.#store.record !== null && this.#store.calls.get(callId) !== null;
    const shared = await this.#artifacts.share({ input, artifact_id: made, deadline, isWanted });
    if ('refused' in shared) return shared;
    const { artifact_id, name, bytes } = shared.view;
    return { output: { artifact_id, name, bytes }, keep: shared.keep };
  }

  get #owner(): string {
    return this.#store.current.identity.owner;
  }

  #isChild(id: string): boolean {
    return this.#store.children.lastUpdate(id.toLowerCase()) !== null;
  }

  #child(id: string) {
    return this.#peers.session(id.toLowerCase());
  }
}
