import { randomUUID } from 'node:crypto';
import { duplexPair, type Duplex } from 'node:stream';
import { expect } from 'vitest';
import { terminalAnswer, type TerminalFrame, type TerminalReport } from '../../../protocol/api/session/terminal.ts';
import { encodeFrame, encodeText, FrameKind, FrameReader } from '../../../protocol/link/terminal/terminal-frames.ts';
import type { TerminalOpen } from '../../../protocol/link/terminal/terminal.ts';
import type { Terminals } from '../../../wrapper/terminal/terminals.ts';
import { until } from '../until.ts';

type Begin = NonNullable<TerminalOpen['begin']>;
export interface Viewing extends Partial<Omit<TerminalOpen, 'begin'>> {
  readonly begin?: Partial<Begin>;
  /** It acknowledges only when told to. */
  readonly silent?: boolean;
  /** Its connection breaks after so many bytes. */
  readonly cutAfter?: number;
}

/** A viewer of a terminal, as the session is one. */
export class TestViewer {
  readonly terminal: string;
  /** All that came, by stream. */
  readonly output: Buffer[] = [];
  readonly errors: Buffer[] = [];
  readonly reports: TerminalReport[] = [];
  /** Why the container closed it. */
  closedWith: string | null = null;
  isClosed = false;
  /** The position of what comes next. */
  at = 0;
  readonly #socket: Duplex;
  readonly #silent: boolean;
  #left: number;

  /** @throws when the container refuses it */
  static open(terminals: Terminals, { begin, silent = false, cutAfter = Infinity, ...given }: Viewing): TestViewer {
    const terminal = given.terminal ?? randomUUID();
    const begun = begin && { tty: true, term: 'xterm-256color', detached_seconds: 600, ...begin };
    const opened = terminals.open({ terminal, cols: 80, rows: 24, ...(begun && { begin: begun }), ...given });
    if ('refused' in opened) throw new Error(opened.refused.code);
    const [ours, theirs] = duplexPair();
    const viewer = new TestViewer(terminal, ours, silent, cutAfter);
    opened.accept(theirs);
    return viewer;
  }

  private constructor(terminal: string, socket: Duplex, silent: boolean, cutAfter: number) {
    this.terminal = terminal;
    this.#socket = socket;
    this.#silent = silent;
    this.#left = cutAfter;
    const frames = new FrameReader();
    socket.on('data', (chunk: Buffer) => {
      for (const { kind, bytes } of frames.push(chunk) ?? []) this.#take(kind, bytes);
    });
    for (const event of ['end', 'close', 'error']) socket.on(event, () => (this.isClosed = true));
  }

  get text(): string {
    return Buffer.concat(this.output).toString();
  }

  get exit(): Extract<TerminalReport, { type: 'exit' }> | undefined {
    return this.reports.find((report) => report.type === 'exit');
  }

  /** How much input the container says to have taken. */
  get taken(): number {
    return Math.max(0, ...this.reports.map((report) => ('input' in report ? report.input : 0)));
  }

  type(bytes: string | Uint8Array): void {
    this.#socket.write(encodeFrame(FrameKind.input, Buffer.from(bytes)));
  }

  send(frame: TerminalFrame): void {
    this.#socket.write(encodeText(frame));
  }

  /** The connection breaks. */
  cut(): void {
    this.#socket.destroy();
  }

  async shows(what: string | RegExp): Promise<string> {
    return await until(() => {
      expect(this.text).toMatch(what);
      return this.text;
    });
  }

  async ended(): Promise<{ code: number | null; signal: string | null }> {
    return await until(() => {
      const { exit } = this;
      if (exit === undefined) throw new Error(`it runs: ${this.text.slice(-500)}`);
      return { code: exit.code, signal: exit.signal };
    });
  }

  #take(kind: number, bytes: Uint8Array): void {
    // It is cut: what came with that was on its way.
    if (this.#left <= 0) return;
    if (kind === FrameKind.text) {
      const answer = terminalAnswer.parse(JSON.parse(new TextDecoder().decode(bytes)));
      if (answer.type === 'error') this.closedWith = answer.code;
      else if (answer.type === 'ready' || answer.type === 'taken' || answer.type === 'gap' || answer.type === 'exit') {
        if (answer.type === 'ready') this.at = answer.at;
        this.reports.push(answer);
      }
      return;
    }
    this.#left -= bytes.length;
    (kind === FrameKind.error ? this.errors : this.output).push(Buffer.from(bytes));
    this.at += bytes.length;
    if (this.#left <= 0) this.cut();
    else if (!this.#silent) this.send({ type: 'ack', at: this.at });
  }
}
