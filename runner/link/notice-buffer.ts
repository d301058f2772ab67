import type { RunnerNoticeFrame, RunnerNotice } from '../../protocol/link/runner-notice.ts';

/** In one frame at most. */
const FRAME_NOTICES = 200;
/** Kept at most; they are merged before they come here, so it takes a flood and a session that is away. */
const KEPT_NOTICES = 10_000;

/**
 * The runner's own notices about a container: numbered `1, 2, …` within its epoch, kept until the session has stored
 * them, said again on every new connection. No I/O.
 */
export class NoticeBuffer {
  #kept: RunnerNotice[] = [];
  /** The last notice known to be stored; absent in a runner that took the container up, until the session says. */
  #stored: number | undefined;
  /** The notice that goes out next on this connection. */
  #next = 1;
  #connected = false;

  /** @param fresh nothing of this epoch was ever said by anyone */
  constructor(fresh: boolean) {
    if (fresh) this.#stored = 0;
  }

  get empty(): boolean {
    return this.#kept.length === 0;
  }

  /** False: too many wait already, and this one is dropped. */
  push(notice: RunnerNotice): boolean {
    if (this.#kept.length >= KEPT_NOTICES) return false;
    this.#kept.push(notice);
    return true;
  }

  /** The connection is gone: nothing goes out until the session has said what it has. */
  disconnected(): void {
    this.#connected = false;
  }

  /** Notices up to `stored` are safe. False: it cannot be, by what was said and acknowledged before. */
  acknowledge(stored: number): boolean {
    const before = (this.#stored ??= stored);
    if (stored < before || stored > before + this.#kept.length) return false;
    this.#kept.splice(0, stored - before);
    this.#stored = stored;
    if (!this.#connected || this.#next <= stored) this.#next = stored + 1;
    this.#connected = true;
    return true;
  }

  /** The frame that goes out next; `undefined` when all is out, or nobody is there. */
  take(): RunnerNoticeFrame | undefined {
    if (!this.#connected || this.#stored === undefined) return undefined;
    const from = this.#next - this.#stored - 1;
    const notices = this.#kept.slice(from, from + FRAME_NOTICES);
    if (notices.length === 0) return undefined;
    const first = this.#next;
    this.#next += notices.length;
    return { kind: 'host', first, notices };
  }
}
