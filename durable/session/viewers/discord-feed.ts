import { resultOf } from '../core/children/child-updates.ts';
import { condense } from '../core/children/condense-event.ts';
import type { StreamItem } from '../core/shown.ts';
import type { DeskUpdate } from '../../rpc/discord-rpc.ts';
import type { StoredDeskUpdate } from '../core/desk-update.ts';
import type { Peers } from '../store/peers.ts';
import { interactionViewOf } from '../../shared/interactions/interaction-view.ts';
import type { SessionStore } from '../store/store.ts';
import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';

/** Most updates in one call. */
const MAX_UPDATES = 20;

/** Shortest time between two progress lines, milliseconds. */
const PROGRESS_MS = 2000;
const TURN_ENDS: readonly string[] = ['message.completed', 'message.failed', 'message.interrupted'];

/**
 * Sends a session's updates and progress to the Discord desk. Updates are stored until the desk has them, progress is
 * not.
 */
export class DiscordFeed implements Outgoing {
  readonly #ctx: DurableObjectState;
  readonly #peers: Peers;
  readonly #store: SessionStore;
  readonly #call: RetryingCall;
  /** The newest progress line that was not sent yet; null: none. */
  #unsentProgress: string | null = null;
  #isSendingProgress = false;
  #isDeleted = false;

  /** @param retry schedules a call of `send` at `nextTry` */
  constructor(ctx: DurableObjectState, store: SessionStore, peers: Peers, retry: () => void) {
    this.#ctx = ctx;
    this.#peers = peers;
    this.#store = store;
    const isDue = () => !this.#isDeleted && this.#store.record !== null && !this.#store.deskUpdates.isEmpty;
    this.#call = new RetryingCall({ ctx, whom: 'the Discord desk', isDue, send: () => this.#send(), retry });
  }

  nextTry(): number | null {
    return this.#call.nextTry();
  }

  send(): void {
    this.#call.send();
  }

  /** Sends what the session does now as progress: always the latest, and no more often than people can read. */
  show(items: readonly StreamItem[]): void {
    if (this.#isDeleted || !this.#store.current.on_discord) return;
    for (const one of items) {
      // The end of a turn is sent as an update. Progress from before it no longer matters.
      if ('seq' in one && TURN_ENDS.includes(one.type)) this.#unsentProgress = null;
      const text = progressOf(one);
      if (text !== '') this.#unsentProgress = text;
    }
    if (this.#unsentProgress === null || this.#isSendingProgress) return;
    this.#isSendingProgress = true;
    this.#ctx.waitUntil(this.#sendProgress(this.#store.current.identity.session_id));
  }

  /** The session is being deleted: notifies the desk, and drops updates that are still due. May be called again. */
  async detach(): Promise<void> {
    if (!this.#store.isOnDiscord) return;
    this.#isDeleted = true;
    await this.#peers.desk.sessionDeleted(this.#store.current.identity.session_id);
  }

  async #sendProgress(sessionId: string): Promise<void> {
    try {
      for (let text = this.#unsentProgress; text !== null && this.#store.record !== null; text = this.#unsentProgress) {
        this.#unsentProgress = null;
        await this.#peers.desk.progress(sessionId, text);
        await scheduler.wait(PROGRESS_MS);
      }
    } catch (error) {
      console.warn(`session: could not send its progress to Discord: ${String(error)}`);
    } finally {
      this.#isSendingProgress = false;
    }
  }

  async #send(): Promise<void> {
    const { session_id, owner } = this.#store.current.identity;
    const stored = this.#store.deskUpdates.next(MAX_UPDATES);
    const updates = stored.flatMap(({ n, event }) => {
      const update = this.#complete(event);
      return update === null ? [] : [{ n, update }];
    });
    await this.#peers.desk.sessionUpdated({ session_id, owner }, updates);
    const last = stored.at(-1);
    if (last !== undefined && this.#store.record !== null) this.#store.deskUpdates.delivered(last.n);
  }

  /** The stored update with the details that the desk shows; null: the message or interaction no longer exists. */
  #complete(update: StoredDeskUpdate): DeskUpdate | null {
    const { session_id } = this.#store.current.identity;
    switch (update.kind) {
      case 'notified':
      case 'status':
        return update;
      case 'ended': {
        if (update.result !== undefined) return { kind: 'ended', result: update.result };
        const message = this.#store.messages.view(session_id, update.message_id);
        return message === null ? null : { kind: 'ended', result: resultOf(message) };
      }
      case 'asked':
      case 'closed':
      case 'reminded':
        break;
    }
    const found = this.#store.interactions.get(update.interaction_id);
    return found === null ? null : { ...update, view: interactionViewOf(found, session_id) };
  }
}

/** What the agent says or does, as one short text; '' for any other event or a preview. */
function progressOf(item: StreamItem): string {
  if (!('seq' in item) || item.type !== 'assistant') return '';
  return condense(item.type, JSON.parse(item.json));
}
