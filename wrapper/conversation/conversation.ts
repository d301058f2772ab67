import { WrapperExit } from '../../protocol/link/wrapper/wrapper-exit.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { LINK_WINDOW_BYTES, LINK_WINDOW_EVENTS } from '../../protocol/settings/limits.ts';
import type { ClaudeLine } from '../claude/claude-process.ts';
import { SessionLink } from '../link/session-link.ts';
import { PortWatch } from '../ports/port-watch.ts';
import { SessionPorts } from '../ports/session-ports.ts';
import { PidsWatch, readPids, STUCK_MS } from '../seal/pids-watch.ts';
import type { SealNotice } from '../seal/seal.ts';
import type { Parked } from '../spare/parked.ts';
import { Dialogue } from './dialogue.ts';
import { Processes } from './processes.ts';

/** How many windows of unacknowledged output the wrapper keeps. Then it stops reading `claude`'s, until one is left. */
const KEPT_WINDOWS = 2;

/**
 * Milliseconds to wait for the last acknowledgement once `claude` has ended: after a stop, and when it ended by itself.
 */
const FLUSH_STOPPED_MS = 8000;
const FLUSH_EXITED_MS = 600_000;
/** Milliseconds between two readings of the number of processes. */
const PIDS_MS = 1000;
/** Milliseconds at the limit of processes after which people's terminals are ended, so that the agent can go on: sooner than the container is. */
const TERMINAL_STUCK_MS = 5000;

/** How a conversation ended. */
export interface ConversationEnd {
  /** Items that were not acknowledged in time. */
  unacknowledged: number;
  code: WrapperExit;
}

/** One epoch: what runs in the container, the link to its session, and when both end. */
export class Conversation {
  /** Settles when `claude` is gone and the session has stored all of its output, or the time for that is over. */
  readonly ended: Promise<ConversationEnd>;
  readonly #settle: (end: ConversationEnd) => void;
  readonly #dialogue: Dialogue;
  readonly #processes: Processes;
  readonly #link: SessionLink;
  readonly #pids = new PidsWatch(STUCK_MS);
  readonly #terminalPids = new PidsWatch(TERMINAL_STUCK_MS);
  #pidsTimer: NodeJS.Timeout | undefined;
  #portWatch: PortWatch | undefined;
  #code: WrapperExit = WrapperExit.done;
  #stopping = false;
  /** `claude` has ended, or never starts: no item follows. */
  #over = false;
  #deadline: NodeJS.Timeout | undefined;

  /**
   * @param seal the result of probing the seal; null: this container is not to be sealed
   * @param parked the `claude` that waits for this session; null: none does
   */
  constructor(launch: WrapperLaunch, seal: SealNotice | null, parked: Parked | null = null) {
    const { promise, resolve } = Promise.withResolvers<ConversationEnd>();
    this.ended = promise;
    this.#settle = resolve;
    this.#link = new SessionLink(launch.link_socket, launch.epoch, {
      run: (command) => this.#dialogue.run(command),
      go: () => {
        this.#processes.go();
      },
      stored: () => {
        this.#stored();
      },
    });
    this.#dialogue = new Dialogue(launch, {
      write: (message) => this.#processes.write(message),
      send: (item) => {
        this.#link.send(item);
      },
      join: (line) => {
        this.#link.join(line);
      },
      gather: (line) => {
        this.#link.gather(line);
      },
      preview: (line) => {
        this.#link.preview(line);
      },
      ending: () => this.#stopping || this.#over,
    });
    const listener = {
      notice: (notice: WrapperNotice) => {
        this.#link.send(notice);
      },
      line: (line: ClaudeLine) => {
        this.#line(line);
      },
      ready: () => {
        this.#link.startCommands();
      },
      ended: (end: WrapperNotice) => {
        this.#end(end);
      },
      stopped: () => {
        this.#nothingRuns();
      },
    };
    this.#processes = new Processes(launch, this.#dialogue, listener, parked);
    if (seal !== null) this.#link.send(seal);
    const sealed = seal?.notice !== 'seal_broken';
    // Before the link: `claude` takes half a second to start, and the link only milliseconds.
    if (sealed) this.#processes.start();
    this.#link.open();
    if (sealed) this.#watch(launch);
    else this.#refuseToStart();
  }

  /** Ends `claude` gently, then the conversation. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#portWatch?.close();
    const running = this.#processes.stop();
    if (this.#over || !running) this.#nothingRuns();
  }

  /** Kills every process of the container at once. */
  kill(): void {
    this.#processes.kill();
  }

  /** The seal is broken. The notice that says so is in the outbox, and nothing else follows. */
  #refuseToStart(): void {
    this.#code = WrapperExit.sealBroken;
    this.#over = true;
    this.#finishWithin(FLUSH_STOPPED_MS);
  }

  #watch(launch: WrapperLaunch): void {
    // Where no limit can be read, there never will be one.
    if (readPids() !== null) this.#pidsTimer = setInterval(() => this.#checkPids(), PIDS_MS);
    this.#portWatch = new PortWatch(new SessionPorts(launch), (notice) => {
      this.#link.send(notice);
    });
  }

  #checkPids(): void {
    const reading = readPids();
    if (reading === null) return;
    const now = performance.now();
    if (this.#terminalPids.sample(reading, now) && this.#processes.terminals.running > 0)
      this.#processes.terminals.kill();
    if (!this.#pids.sample(reading, now)) return;
    this.#code = WrapperExit.outOfPids;
    this.kill();
  }

  #line(line: ClaudeLine): void {
    this.#dialogue.line(line);
    if (this.#keeps(KEPT_WINDOWS)) this.#processes.pause();
  }

  /** The session has stored some of what was sent. */
  #stored(): void {
    if (!this.#keeps(1)) this.#processes.resume();
    if (this.#over && this.#link.size === 0) this.#finish();
  }

  #keeps(windows: number): boolean {
    return this.#link.bytes >= windows * LINK_WINDOW_BYTES || this.#link.size >= windows * LINK_WINDOW_EVENTS;
  }

  /** The last notice of this epoch. */
  #end(end: WrapperNotice): void {
    this.#over = true;
    this.#portWatch?.close();
    this.#dialogue.close();
    this.#processes.terminals.close();
    this.#checkPids();
    if (!this.#stopping && this.#pids.refusedLately(performance.now())) this.#code = WrapperExit.outOfPids;
    this.#link.send(end);
    const soon = this.#stopping || this.#code === WrapperExit.outOfPids;
    this.#finishWithin(soon ? FLUSH_STOPPED_MS : FLUSH_EXITED_MS);
  }

  /** The conversation was stopped, nothing runs, and no item follows. */
  #nothingRuns(): void {
    this.#over = true;
    this.#finishWithin(FLUSH_STOPPED_MS);
    if (this.#link.size === 0) this.#finish();
  }

  #finishWithin(ms: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      this.#finish();
    }, ms);
  }

  #finish(): void {
    clearTimeout(this.#deadline);
    clearInterval(this.#pidsTimer);
    this.#processes.close();
    this.#link.close();
    this.#settle({ unacknowledged: this.#link.size, code: this.#code });
  }
}
