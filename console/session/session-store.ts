import { batch, computed, signal } from '@preact/signals';
import { all, CcDockerError, isPreview, type Session, type SessionEvent } from '../../client/main.ts';
import { LogWindow } from './log/window/log-window.ts';
import { nextFrame } from './log/window/next-frame.ts';
import { changesView, factsOf, withEvent, type SessionFacts } from './session-facts.ts';

/** How far the session's stream is: `live` is up to date; `away` has lost the service and tries again; `ended`: nothing more comes. */
export type SessionLine = 'loading' | 'live' | 'away' | 'ended';

/** What a page knows of one session, from `follow` on until its signal ends it. */
export class SessionStore {
  readonly session: Session;
  /** What is loaded of its log. */
  readonly log: LogWindow;
  /** Null: not loaded yet. */
  readonly facts = signal<SessionFacts | null>(null);
  readonly line = signal<SessionLine>('loading');
  /** Why nothing more comes (`line` is `ended`), such as `session_not_found`. */
  readonly failure = signal<CcDockerError | null>(null);

  /** As `GET /sessions/{id}` has it; null: not loaded yet. */
  readonly view = computed(() => this.facts.value?.view ?? null);
  /** Null: not loaded yet. */
  readonly status = computed(() => this.view.value?.status ?? null);
  /** Messages whose turn has not begun, the first one first. */
  readonly waiting = computed(() => this.facts.value?.waiting ?? []);
  /** What the running turn answers; empty: none runs. */
  readonly turns = computed(() => this.facts.value?.turns ?? []);
  /** Whether a turn runs: there is something to interrupt, or to steer. */
  readonly isBusy = computed(() => this.turns.value.length > 0 || this.status.value === 'running');
  /** Counts up when files may have changed. */
  readonly worked = computed(() => this.facts.value?.worked ?? 0);

  readonly #listeners = new Set<(event: SessionEvent) => void>();
  /** `seq` of the last event that came. */
  #seq = 0;
  #isLooking = false;
  #isStale = false;

  constructor(session: Session) {
    this.session = session;
    this.log = new LogWindow(session, nextFrame);
  }

  /** Calls `listener` with each event that comes from now on, once what it says is in the signals. @returns what ends that */
  on(listener: (event: SessionEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Loads the session and follows it, until `signal` ends it or nothing more can come.
   *
   * @param seq of an event around which the log is shown at first; null: its end
   */
  async follow(seq: number | null, signal: AbortSignal): Promise<void> {
    try {
      // The log's end is what people wait for: nothing else has to come before it.
      const opened = this.#open(seq, signal);
      // Of what is around an event, the end is not loaded: what the session is has to be newer.
      if (seq !== null) await opened;
      const [facts, events] = await Promise.all([this.#load(signal), opened]);
      this.#seq = this.log.head;
      this.facts.value = events.reduce(after(facts.view.last_seq), facts);
      const onConnect = () => {
        this.line.value = 'live';
        if (this.#isStale) void this.#look(signal);
      };
      const onReconnect = () => {
        this.line.value = 'away';
        this.log.dropPreviews();
      };
      const options = { after: this.#seq, previews: true, signal, onConnect, onReconnect } as const;
      for await (const event of this.session.events(options)) {
        this.log.take(event);
        if (!isPreview(event)) this.#take(event, signal);
      }
    } catch (error) {
      this.fail(error, signal);
    }
  }

  async #load(signal: AbortSignal): Promise<SessionFacts> {
    const [view, waiting, processing] = await Promise.all([
      this.session.show({ signal }),
      all(this.session.messages({ state: 'queued', signal })),
      all(this.session.messages({ state: 'processing', signal })),
    ]);
    return factsOf(view, waiting, processing);
  }

  /** @returns the newest events, as far as they are loaded */
  async #open(seq: number | null, signal: AbortSignal): Promise<readonly SessionEvent[]> {
    if (seq === null) return await this.log.newest(signal);
    this.log.follows = false;
    await this.log.around(seq, signal);
    return [];
  }

  #take(event: SessionEvent, signal: AbortSignal): void {
    const facts = this.facts.value;
    if (facts === null) return;
    this.#seq = event.seq ?? event.data.to;
    if (this.#seq > facts.view.last_seq) this.facts.value = withEvent(facts, event);
    for (const listener of this.#listeners) listener(event);
    if (changesView(event)) void this.#look(signal);
  }

  /** Reads anew what events do not say. One reading at a time, and another one when something has changed meanwhile. */
  async #look(signal: AbortSignal): Promise<void> {
    this.#isStale = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      while (this.#isStale) {
        this.#isStale = false;
        const view = await this.session.show({ signal });
        const facts = this.facts.value;
        // One that is older than the events would take back what they said.
        if (view.last_seq < this.#seq) this.#isStale = true;
        else if (facts !== null) this.facts.value = { ...facts, view };
      }
    } catch (error) {
      // The stream goes on by itself, and looks again when it is connected again.
      if (error instanceof CcDockerError && error.retryable) this.#isStale = true;
      else this.fail(error, signal);
    } finally {
      this.#isLooking = false;
    }
  }

  /** Something that the page needs could not be had: nothing more comes. */
  fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    if (!(error instanceof CcDockerError)) throw error;
    batch(() => {
      this.line.value = 'ended';
      this.failure.value = error;
    });
  }
}

/** Takes the events that are newer than what the session was when it was asked. */
const after =
  (seq: number) =>
  (facts: SessionFacts, event: SessionEvent): SessionFacts =>
    (event.seq ?? 0) > seq ? withEvent(facts, event) : facts;
