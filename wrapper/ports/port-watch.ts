import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { MAX_LISTENING_PORTS } from '../../protocol/settings/limits.ts';
import type { OpenPort, SessionPorts } from './session-ports.ts';
import { socketCounts } from './socket-counts.ts';

type PortNotice = Extract<WrapperNotice, { notice: 'port' }>;

/** Milliseconds between two looks. */
const LOOK_MS = 1000;
/** A port counts as closed when so many looks in a row do not find it: a server that starts again is not away. */
const MISSED = 2;
/**
 * As long as the number of sockets stays as it is, one look in so many: that one server closes and another one opens in the same second
 * is rare.
 */
const SELDOM = 10;
/** Notices in a minute. What changes more often is said later, as it then is. */
const NOTICES_A_MINUTE = 60;
const MINUTE_MS = 60_000;

/** What was said of the ports, and what is to be said next. Pure: what is open, and the time, are parameters. */
export class PortChanges {
  /** The ports that are said to be open, and how many looks in a row have not found each. */
  readonly #open = new Map<number, number>();
  #budget = NOTICES_A_MINUTE;
  #last: number | null = null;

  /** @param now milliseconds */
  look(open: readonly OpenPort[], now: number): PortNotice[] {
    const gained = ((now - (this.#last ?? now)) / MINUTE_MS) * NOTICES_A_MINUTE;
    this.#budget = Math.min(NOTICES_A_MINUTE, this.#budget + gained);
    this.#last = now;
    const notices: PortNotice[] = [];
    const there = new Set(open.map(({ port }) => port));
    for (const [port, missed] of this.#open) {
      if (there.has(port)) this.#open.set(port, 0);
      else if (missed + 1 < MISSED) this.#open.set(port, missed + 1);
      else if (this.#spend()) {
        this.#open.delete(port);
        notices.push({ notice: 'port', port, state: 'closed' });
      }
    }
    for (const { port, process } of open) {
      if (this.#open.has(port) || this.#open.size >= MAX_LISTENING_PORTS || !this.#spend()) continue;
      this.#open.set(port, 0);
      notices.push({ notice: 'port', port, state: 'open', ...(process !== undefined && { process }) });
    }
    return notices;
  }

  #spend(): boolean {
    if (this.#budget < 1) return false;
    this.#budget -= 1;
    return true;
  }
}

/**
 * How long looks may take, milliseconds a second, and how much of that may come at once. To list sockets takes 5 ms where the machine allows
 * many connections, and where other programs come and go beside the session, their number changes each second. One look that took very
 * long, because the machine was busy, does not keep the next one away for long.
 */
const LOOKS = { perSecond: 1, atOnce: 20, atMostOwed: 4 } as const;

/** When to look at which ports are open. Pure: the number of sockets, and the time (milliseconds), are parameters. */
export class PortLooks {
  #counts: string | null = null;
  /** Looks since that number has changed. */
  #same = 0;
  /** How long looks may still take. Below 0: they have taken longer. */
  #left: number = LOOKS.atOnce;
  #at: number | null = null;

  /** Looks have taken too much: not even the number of sockets is asked for. */
  rests(now: number): boolean {
    const gained = ((now - (this.#at ?? now)) / 1000) * LOOKS.perSecond;
    this.#left = Math.min(LOOKS.atOnce, this.#left + gained);
    this.#at = now;
    return this.#left <= 0;
  }

  /** It is time for a look, or for none. @param counts null: not known */
  isDue(counts: string | null): boolean {
    this.#same = counts === null || counts !== this.#counts ? 0 : this.#same + 1;
    this.#counts = counts;
    // A port counts as closed only when looks in a row have not found it.
    return this.#same < MISSED || this.#same % SELDOM === 0;
  }

  /** A look has taken so long. */
  took(ms: number): void {
    this.#left = Math.max(-LOOKS.atMostOwed, this.#left - ms);
  }
}

/** Tells the session which ports the container's servers listen on, from second to second. */
export class PortWatch {
  readonly #ports: SessionPorts;
  readonly #notify: (notice: PortNotice) => void;
  readonly #changes = new PortChanges();
  readonly #looks = new PortLooks();
  readonly #timer: NodeJS.Timeout;

  constructor(ports: SessionPorts, notify: (notice: PortNotice) => void) {
    this.#ports = ports;
    this.#notify = notify;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const began = performance.now();
    if (this.#looks.rests(began) || !this.#looks.isDue(socketCounts())) return;
    const open = this.#ports.open();
    this.#looks.took(performance.now() - began);
    for (const notice of this.#changes.look(open, began)) this.#notify(notice);
  }
}
