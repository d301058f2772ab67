/** How often a wrapper is pinged, milliseconds. */
export const PING_MS = 2_000;
/**
 * Pings that may be unanswered. One more, and the wrapper is unresponsive: after 10 s and before 12. A wrapper that is busy
 * answers between two things that it does, of which the longest, a frame of 28 MB, takes well under a second, and whatever it
 * sends counts as an answer. For 10 s of silence it would need a machine that gives it no processor at all.
 */
export const MAX_UNANSWERED = 5;

/**
 * What is due at a tick: send a ping with this number, nothing, or give the wrapper up: it does not answer, or the line to its
 * machine has been down for too long.
 */
export type Due = { ping: number } | 'nothing' | 'unresponsive' | 'cut_off';

/**
 * Whether the wrapper at the other end of the link still answers. It counts in ticks of this process's own timer, so that a
 * runner that stood still itself gives no wrapper up. No I/O.
 */
export class Liveness {
  /** A wrapper was connected before, or must be: its container runs. */
  #expected: boolean;
  #sent = 0;
  #answered = 0;
  #ticksAway = 0;
  #ticksCut = 0;
  readonly #mostCut: number;

  /**
   * @param expected the container has been running for a while
   * @param mostCut ticks for which the line to its machine may be down
   */
  constructor(expected: boolean, mostCut = Number.POSITIVE_INFINITY) {
    this.#expected = expected;
    this.#mostCut = mostCut;
  }

  /** The number of a ping that is sent now. */
  ping(): number {
    return (this.#sent += 1);
  }

  /** Whether this ping was sent, so that it can be answered. */
  wasSent(ping: number): boolean {
    return ping <= this.#sent;
  }

  /** The wrapper sends something. Its answers come after that. */
  heard(): void {
    this.#answered = this.#sent;
  }

  /** Another connection begins: what the one before it was asked does not count. */
  connected(): void {
    this.#expected = true;
    this.#ticksAway = 0;
    this.heard();
  }

  /**
   * Called every `PING_MS`. `cut`: the line to the container's machine is down, so its wrapper cannot be heard, and may be well.
   * `away`: no wrapper is connected. `unread`: what it answers is not read at the moment.
   */
  tick(link: 'cut' | 'away' | 'unread' | 'read'): Due {
    if (link === 'cut') {
      // When the line is up again, its wrapper has all its time to come.
      this.#ticksAway = 0;
      this.heard();
      this.#ticksCut += 1;
      return this.#ticksCut > this.#mostCut ? 'cut_off' : 'nothing';
    }
    this.#ticksCut = 0;
    if (link === 'away') {
      this.#ticksAway += 1;
      return this.#expected && this.#ticksAway > MAX_UNANSWERED ? 'unresponsive' : 'nothing';
    }
    // Its answers may wait behind what it sent.
    if (link === 'unread') this.heard();
    if (this.#sent - this.#answered >= MAX_UNANSWERED) return 'unresponsive';
    return link === 'unread' ? 'nothing' : { ping: this.ping() };
  }
}
