import type { Log } from '../../lib/log.ts';
import type { LinkServer } from './link-server.ts';
import { Liveness, PING_MS } from './liveness.ts';

interface ContainerLine {
  /** The container's connections lead here at the moment. */
  isUp: () => boolean;
  /** For so long it may be down, milliseconds. */
  lostAfterMs: number;
}

export interface PulseOptions {
  /** False: an earlier runner process started the container, and only the session knows what it has stored. */
  fresh: boolean;
  /** The line to the container's machine, which can break. Absent: it is this machine. */
  line?: ContainerLine | undefined;
  /** The wrapper answers no more, or is gone while its container runs; or the line to it has been down for too long. */
  onUnresponsive?: (why: 'unresponsive' | 'cut_off') => void;
  /** Absent: `PING_MS`. */
  pingMs?: number;
  log: Log;
}

/** Pings a container's wrapper for as long as the container runs. `Liveness` decides; the timer and the link are here. */
export class WrapperPulse {
  readonly #options: PulseOptions;
  readonly #liveness: Liveness;
  #link: LinkServer | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The container is paused, so its wrapper cannot answer. */
  #paused = false;
  /** The ping whose answer shows that the wrapper lives, so that the connection that waits for its place is refused. */
  #rivalPing: number | undefined;

  constructor(options: PulseOptions) {
    this.#options = options;
    const { fresh, line, pingMs = PING_MS } = options;
    this.#liveness = new Liveness(!fresh, line && Math.ceil(line.lostAfterMs / pingMs));
  }

  start(link: LinkServer): void {
    this.#link = link;
    this.#timer = setInterval(() => this.#tick(link), this.#options.pingMs ?? PING_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Another connection of the wrapper begins. */
  connected(): void {
    this.#liveness.connected();
    this.#rivalPing = undefined;
  }

  /** The wrapper sends something. */
  heard(): void {
    this.#liveness.heard();
  }

  /** A second connection wants the place of the first one. It gets it unless the first one answers. */
  rival(): void {
    this.#rivalPing = this.#liveness.ping();
    this.#send(this.#rivalPing);
  }

  /** The wrapper answers a ping. */
  answered(number: number): void {
    if (!this.#liveness.wasSent(number)) return this.#link?.drop('it answers a ping that was never sent');
    if (this.#rivalPing === undefined || number < this.#rivalPing) return;
    this.#rivalPing = undefined;
    this.#link?.refuseRival();
  }

  /** The container is paused, or goes on: from then on its wrapper has all its time to answer. */
  setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#liveness.heard();
  }

  #tick(link: LinkServer): void {
    if (this.#paused) return;
    const due = this.#liveness.tick(this.#linkState(link));
    if (due === 'nothing') return;
    if (typeof due === 'object') return this.#send(due.ping);
    this.stop();
    this.#options.log.warn(due === 'cut_off' ? 'the container is out of reach' : 'the wrapper does not answer', {});
    this.#options.onUnresponsive?.(due);
  }

  #linkState(link: LinkServer): 'cut' | 'away' | 'unread' | 'read' {
    if (this.#options.line?.isUp() === false) return 'cut';
    if (!link.connected) return 'away';
    return link.reading ? 'read' : 'unread';
  }

  #send(number: number): void {
    this.#link?.send(JSON.stringify({ kind: 'ping', number }));
  }
}
