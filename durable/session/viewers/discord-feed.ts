import { resultOf } from '../core/children/child-updates.ts';
import { condense } from '../core/condense-event.ts';
import type { Shown } from '../store/tables/event-log.ts';
import type { DeskUpdate } from '../../rpc/discord-rpc.ts';
import type { StoredDeskUpdate } from '../core/desk-update.ts';
import type { Peers } from '../store/peers.ts';
import { interactionViewOf } from '../../shared/interactions/interaction-view.ts';
import type { SessionStore } from '../store/store.ts';
import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';

/** Updates that one call carries. */
const MAX_UPDATES = 20;

/** Between two updates of what the session does now, milliseconds. */
const PROGRESS_MS = 2000;
const TURN_ENDS: readonly string[] = ['message.completed', 'message.failed', 'message.interrupted'];

/** Sends the Discord desk what people there are to see of a session. Updates are stored until the desk has them. */
export class DiscordFeed implements Outgoing {
  readonly #ctx: DurableObjectState;
  readonly #peers: Peers;
  readonly #store: SessionStore;
  readonly #call: RetryingCall;
  /** What the session does now and people have not seen yet; null: nothing. */
  #latest: string | null = null;
  #isShowing = false;
  #isDeleted = false;

  /** @param retry asked to have `send` called at `nextTry` */
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

  /** Shows what the session does now: always the latest, and no more often than people can read. */
  show(shown: readonly Shown[]): void {
    if (this.#isDeleted || !this.#store.current.on_discord) return;
    for (const one of shown) {
      // The end of a turn is an update of its own. What the turn did before no longer matters then.
      if ('seq' in one && TURN_ENDS.includes(one.type)) this.#latest = null;
      const text = progressOf(one);
      if (text !== '') this.#latest = text;
    }
    if (this.#latest === null || this.#isShowing) return;
    this.#isShowing = true;
    this.#ctx.waitUntil(this.#showOn(this.#store.current.identity.session_id));
  }

  /** The session is being deleted: updates that are still due are dropped. May be called again. */
  async detach(): Promise<void> {
    if (!this.#store.isOnDiscord) return;
    this.#isDeleted = true;
    await this.#peers.desk.sessionDeleted(this.#store.current.identity.session_id);
  }

  async #showOn(sessionId: string): Promise<void> {
    try {
      for (let text = this.#latest; text !== null && this.#store.record !== null; text = this.#latest) {
        this.#latest = null;
        await this.#peers.desk.progress(sessionId, text);
        await scheduler.wait(PROGRESS_MS);
      }
    } catch (error) {
      console.warn(`session: Discord was not shown its progress: ${String(error)}`);
    } finally {
      this.#isShowing = false;
    }
  }

  async #send(): Promise<void> {
    const { session_id, owner } = this.#store.current.identity;
    const stored = this.#store.deskUpdates.next(MAX_UPDATES);
    const updates = stored.flatMap(({ n, event }) => {
      const update = this.#shown(event);
      return update === null ? [] : [{ n, update }];
    });
    await this.#peers.desk.sessionUpdated({ session_id, owner }, updates);
    const last = stored.at(-1);
    if (last !== undefined && this.#store.record !== null) this.#store.deskUpdates.delivered(last.n);
  }

  /** The update with all that is shown; null: its subject no longer exists. */
  #shown(update: StoredDeskUpdate): DeskUpdate | null {
    const { session_id } = this.#store.current.identity;
    switch (update.kind) {
      case 'notified':
      case 'status':
        return update;
      case 'ended': {
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

/** What the agent says or does, as one text; '' for anything else. */
function progressOf(shown: Shown): string {
  if (!('seq' in shown) || shown.type !== 'assistant') return '';
  return condense(shown.type, JSON.parse(shown.json));
}
