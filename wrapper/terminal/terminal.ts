import type { TerminalChannel, TerminalFrame, TerminalReport } from '../../protocol/api/session/terminal.ts';
import { TERMINAL_INPUT_WINDOW } from '../../protocol/api/session/terminal.ts';
import { TERMINAL_WINDOW } from '../../protocol/link/terminal/terminal.ts';
import { OutputRing } from './output-ring.ts';
import type { ProcessEnd, ProcessListener, TerminalProcess } from './terminal-process.ts';

/** Who has the terminal now: one end of a stream of frames. */
export interface TerminalViewer {
  output(channel: TerminalChannel, bytes: Uint8Array): void;
  report(report: TerminalReport): void;
  /** Nothing more comes. @param why for the other end; absent: all was said */
  close(why?: { readonly code: string; readonly detail: string }): void;
}

/** Bytes of output in one frame. */
const FRAME_BYTES = 8 * 1024;
/** From the first signal to a terminal that is ended until all in it is killed, milliseconds. */
const KILL_MS = 2000;

export interface TerminalOptions {
  readonly id: string;
  readonly tty: boolean;
  /** After so long without a viewer it is ended, milliseconds. */
  readonly detachedMs: number;
  /** For so long it keeps all output for a viewer that has gone, milliseconds: its command waits when the window is full. */
  readonly holdMs: number;
  /** @throws when it cannot be started */
  readonly start: (listener: ProcessListener) => TerminalProcess;
  readonly ended: (end: ProcessEnd) => void;
}

/** A terminal, or a command between pipes, that outlives the connections of its viewer. */
export class Terminal {
  readonly id: string;
  readonly #options: TerminalOptions;
  readonly #ring = new OutputRing(TERMINAL_WINDOW);
  readonly #process: TerminalProcess;
  #viewer: TerminalViewer | null = null;
  #end: ProcessEnd | null = null;
  /** Positions: what was sent to the viewer, and what it has. */
  #sent = 0;
  #acknowledged = 0;
  /** Input that has come, and that the command has taken. */
  #received = 0;
  #taken = 0;
  #paused = false;
  /** Output that nobody has yet is kept, and the command waits. */
  #holds = true;
  #holdTimer: NodeJS.Timeout | undefined;
  #detachedTimer: NodeJS.Timeout | undefined;
  #killTimer: NodeJS.Timeout | undefined;

  /** @throws when its command cannot be started */
  constructor(options: TerminalOptions) {
    this.id = options.id;
    this.#options = options;
    this.#process = options.start({
      output: (channel, bytes) => {
        this.#ring.push(channel, bytes);
        this.#flow();
      },
      ended: (end) => {
        this.#ended(end);
      },
    });
    this.#awaitViewer();
  }

  get isOver(): boolean {
    return this.#end !== null;
  }

  /** A viewer comes, and takes the place of the one before. @param after the position that it has; absent: it has nothing */
  attach(viewer: TerminalViewer, after: number | undefined): void {
    this.#viewer?.close({ code: 'replaced', detail: 'Another viewer has this terminal now.' });
    this.#viewer = viewer;
    clearTimeout(this.#holdTimer);
    clearTimeout(this.#detachedTimer);
    this.#holds = true;
    const from = Math.min(Math.max(after ?? 0, this.#ring.start), this.#ring.end);
    this.#sent = from;
    this.#acknowledged = from;
    // What the viewer before had sent, and was not taken, comes again from this one.
    this.#received = this.#taken;
    viewer.report({ type: 'ready', terminal: this.id, at: from, input: this.#taken, tty: this.#options.tty });
    if (after !== undefined && after < from) viewer.report({ type: 'gap', from: after, to: from });
    this.#flow();
  }

  /** The viewer's connection is gone. Another may come back. */
  detach(viewer: TerminalViewer): void {
    if (viewer !== this.#viewer) return;
    this.#viewer = null;
    this.#awaitViewer();
  }

  /** Input from the viewer. False: it sends more than the command takes. */
  input(viewer: TerminalViewer, bytes: Uint8Array): boolean {
    if (viewer !== this.#viewer) return true;
    this.#received += bytes.length;
    if (this.#received - this.#taken > 2 * TERMINAL_INPUT_WINDOW) return false;
    void this.#process.write(bytes).then(() => {
      this.#taken += bytes.length;
      if (this.#end === null) this.#viewer?.report({ type: 'taken', input: this.#taken });
    });
    return true;
  }

  /** What the viewer asks for. */
  take(viewer: TerminalViewer, frame: TerminalFrame): void {
    if (viewer !== this.#viewer) return;
    switch (frame.type) {
      case 'resize':
        return this.#process.resize(frame.cols, frame.rows);
      case 'signal':
        return this.#process.signal(`SIG${frame.signal}`);
      case 'end':
        return this.#process.end();
      case 'ack':
        this.#acknowledged = Math.max(this.#acknowledged, Math.min(frame.at, this.#sent));
        return this.#flow();
      case 'command':
      case 'ping':
        return;
    }
  }

  resize(cols: number, rows: number): void {
    this.#process.resize(cols, rows);
  }

  /** Ends it, as a terminal that is closed does; what does not care is killed a little later. */
  close(): void {
    if (this.#end !== null || this.#killTimer !== undefined) return;
    this.#process.signal('SIGHUP');
    this.#killTimer = setTimeout(() => this.kill(), KILL_MS);
  }

  /** Ends it at once, with all that it started. */
  kill(): void {
    if (this.#end === null) this.#process.kill();
  }

  /** Nobody watches: for a while it keeps what nobody has seen, and later it ends. */
  #awaitViewer(): void {
    if (this.#end !== null) return;
    // A command between pipes waits for its reader, as it does in a shell.
    if (this.#options.tty) {
      this.#holdTimer = setTimeout(() => {
        this.#holds = false;
        this.#flow();
      }, this.#options.holdMs);
    }
    this.#detachedTimer = setTimeout(() => this.close(), this.#options.detachedMs);
  }

  #ended(end: ProcessEnd): void {
    this.#end = end;
    for (const timer of [this.#holdTimer, this.#detachedTimer, this.#killTimer]) clearTimeout(timer);
    this.#options.ended(end);
    this.#flow();
  }

  /** Sends what the viewer may have, and lets the command go on or wait. */
  #flow(): void {
    for (;;) {
      const window = this.#acknowledged + TERMINAL_WINDOW - this.#sent;
      const piece =
        this.#viewer === null || window <= 0 ? null : this.#ring.read(this.#sent, Math.min(window, FRAME_BYTES));
      if (piece === null) break;
      // First, for an answer can come within the call.
      this.#sent += piece.bytes.length;
      this.#viewer?.output(piece.channel, piece.bytes);
    }
    // Nobody is told of what is dropped, unless they come back.
    const keep = this.#holds || this.#end !== null ? this.#acknowledged : this.#ring.end;
    this.#ring.trim(keep);
    if (!this.#holds) this.#acknowledged = Math.max(this.#acknowledged, this.#ring.start);
    this.#judgePause();
    if (this.#end !== null && this.#viewer !== null && this.#sent === this.#ring.end)
      this.#sayEnd(this.#viewer, this.#end);
  }

  #judgePause(): void {
    const isFull = this.#holds && this.#ring.end - this.#acknowledged >= TERMINAL_WINDOW;
    if (isFull === this.#paused || this.#end !== null) return;
    this.#paused = isFull;
    if (isFull) this.#process.pause();
    else this.#process.resume();
  }

  #sayEnd(viewer: TerminalViewer, { code, signal }: ProcessEnd): void {
    this.#viewer = null;
    viewer.report({ type: 'exit', code, signal, at: this.#ring.end });
    viewer.close();
  }
}
