import type { RunnerNoticeFrame, RunnerNotice } from '../../../protocol/link/runner-notice.ts';

/** The most notices in one frame. */
const FRAME_NOTICES = 200;
/** The most notices kept. Notices are merged before they come here, so only a flood while the session is away reaches it. */
const KEPT_NOTICES = 10_000;

/**
 * The runner's own notices about a container. They are numbered `1, 2, …` within the epoch, kept until the session has
 * stored them, and sent again on every new connection. No I/O.
 */
export class NoticeBuffer {
  #kept: RunnerNotice[] = [];
  /** The last notice known to be stored. Absent for an adopted container, until the session says it. */
  #stored: number | undefined;
  /** The notice that is sent next on this connection. */
  #next = 1;
  #connected = false;

  /** @param fresh no runner process has sent a notice of this epoch before */
  constructor(fresh: boolean) {
    if (fresh) this.#stored = 0;
  }

  get empty(): boolean {
    return this.#kept.length === 0;
  }

  /** False: too many are waiting, and this one is dropped. */
  push(notice: RunnerNotice): boolean {
    if (this.#kept.length >= KEPT_NOTICES) return false;
    this.#kept.push(notice);
    return true;
  }

  /** The connection broke: nothing is sent until the session has said what it has stored. */
  disconnected(): void {
    this.#connected = false;
  }

  /** The session has stored the notices up to `stored`. False: that contradicts what was sent and acknowledged before. */
  acknowledge(stored: number): boolean {
    const before = (this.#stored ??= stored);
    if (stored < before || stored > before + this.#kept.length) return false;
    this.#kept.splice(0, stored - before);
    this.#stored = stored;
    if (!this.#connected || this.#next <= stored) this.#next = stored + 1;
    this.#connected = true;
    return true;
  }

  /** The next frame to send; `undefined` when all are sent or there is no connection. */
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
