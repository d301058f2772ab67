import type { FeedEvent, FeedSession, WaitingInteraction } from '../../client/main.ts';

/**
 * What the feed has said, kept in maps that change in place: two thousand sessions that come one after the other are not two thousand
 * copies. `take()` copies what is to be shown.
 */
export class LiveState {
  readonly #sessions = new Map<string, FeedSession>();
  readonly #waiting = new Map<string, WaitingInteraction>();
  #sessionsChanged = true;
  #waitingChanged = true;
  #isWhole = false;

  /** Whether all that there is has come. Before, it is less than the truth, and nothing of it is shown. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** @returns what waits no more, as it was; undefined: the event closes nothing that was known */
  apply(event: FeedEvent): WaitingInteraction | undefined {
    switch (event.type) {
      case 'session.changed':
        this.#sessions.set(event.data.session_id, event.data);
        this.#sessionsChanged = true;
        return undefined;
      case 'session.removed':
        this.#sessionsChanged = this.#sessions.delete(event.data.session_id) || this.#sessionsChanged;
        this.#forget(event.data.session_id);
        return undefined;
      case 'interaction.opened':
        this.#waiting.set(event.data.interaction_id, event.data);
        this.#waitingChanged = true;
        return undefined;
      case 'interaction.closed': {
        const was = this.#waiting.get(event.data.interaction_id);
        this.#waitingChanged = this.#waiting.delete(event.data.interaction_id) || this.#waitingChanged;
        return was;
      }
      case 'feed.live':
        this.#isWhole = true;
        return undefined;
      case 'feed.gap':
        this.#sessions.clear();
        this.#waiting.clear();
        this.#sessionsChanged = true;
        this.#waitingChanged = true;
        this.#isWhole = false;
        return undefined;
      default:
        // A later version of the service says what this one does not know.
        return undefined;
    }
  }

  /** Copies of what has changed since the last time; undefined: nothing has. */
  take(): {
    readonly sessions: ReadonlyMap<string, FeedSession> | undefined;
    readonly waiting: ReadonlyMap<string, WaitingInteraction> | undefined;
  } {
    const sessions = this.#sessionsChanged ? new Map(this.#sessions) : undefined;
    const waiting = this.#waitingChanged ? new Map(this.#waiting) : undefined;
    this.#sessionsChanged = false;
    this.#waitingChanged = false;
    return { sessions, waiting };
  }

  /** What waited in a session that is removed waits no more. */
  #forget(sessionId: string): void {
    for (const [id, { session_id }] of this.#waiting) {
      if (session_id !== sessionId) continue;
      this.#waiting.delete(id);
      this.#waitingChanged = true;
    }
  }
}
