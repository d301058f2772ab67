import { issuesOf } from '../../../protocol/issues.ts';
import {
  TERMINAL_INPUT_WINDOW,
  terminalFrame,
  type TerminalAnswer,
  type TerminalFrame,
} from '../../../protocol/api/session/terminal.ts';
import { encodeFrame, encodeText, FrameKind } from '../../../protocol/link/terminal/terminal-frames.ts';
import type { TerminalOpen } from '../../../protocol/link/terminal/terminal.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import { parseJson } from '../../shared/json.ts';
import { closeWith } from './close-with.ts';
import type { Waiting } from './container-wait.ts';
import type { RawStream, RawTunnel } from './raw-tunnel.ts';
import { TerminalOutput, type Arrived } from './terminal-output.ts';

/** How long a client may take to say which command it wants, milliseconds. */
const COMMAND_MS = 30_000;
/** Proxies close connections on which nothing is sent. Milliseconds. */
const PING_MS = 30_000;
/** How often it is noted that somebody types, milliseconds. */
const TYPED_MS = 10_000;
/** A client that does not acknowledge is sent so much before it has to come back, bytes: nobody knows how much of it is still in memory. */
const UNACKNOWLEDGED_BYTES = 32 * 1024 * 1024;
/** What a client may type before the terminal is there, and beyond what it takes, bytes. */
const INPUT_BYTES = 4 * TERMINAL_INPUT_WINDOW;

export interface ConnectionOptions {
  /** All but the command, if one follows. */
  readonly open: TerminalOpen;
  /** The first frame says which command to run. */
  readonly exec: boolean;
  readonly acknowledges: boolean;
}

export interface ConnectionHost {
  readonly tunnel: RawTunnel;
  /** Resolves when the container takes orders; or to why there is none. */
  ready(say: (waiting: Waiting) => void, isGone: () => boolean): Promise<Refusal | null>;
  /** The terminal is to be opened: it is noted. */
  opening(open: TerminalOpen): void;
  /** The container has no such terminal. */
  refused(terminal: string): void;
  /** Somebody types. */
  typed(): void;
  closed(): void;
}

/** One viewer of a terminal: its WebSocket, and the way to the container. */
export class TerminalConnection {
  readonly #socket: WebSocket;
  readonly #host: ConnectionHost;
  readonly #options: ConnectionOptions;
  readonly #output = new TerminalOutput();
  readonly #ping: ReturnType<typeof setInterval>;
  readonly #command = Promise.withResolvers<string[] | undefined>();
  #stream: RawStream | null = null;
  /** What came before the way was there. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #sent = 0;
  #typed = 0;
  #isClosed = false;

  /** @param socket accepted already */
  constructor(socket: WebSocket, options: ConnectionOptions, host: ConnectionHost) {
    this.#socket = socket;
    this.#options = options;
    this.#host = host;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => this.#receive(data as string | ArrayBuffer));
    socket.addEventListener('close', () => this.#gone());
    socket.addEventListener('error', () => this.#gone());
    this.#ping = setInterval(() => this.#say({ type: 'ping' }), PING_MS);
  }

  /** Opens the terminal, once the container is there. */
  async run(): Promise<void> {
    const command = await this.#wanted();
    if (this.#isClosed) return;
    const { open } = this.#options;
    const { begin } = open;
    const full = begin === undefined || command === undefined ? open : { ...open, begin: { ...begin, command } };
    const refused = await this.#host.ready(
      (waiting) => this.#say({ type: 'waiting', ...waiting }),
      () => this.#isClosed,
    );
    if (refused !== null) return this.close(refused.refused, refused.detail);
    this.#host.opening(full);
    const stream = await this.#host.tunnel.raw(
      { kind: 'terminal', ...full },
      {
        bytes: (bytes, taken) => {
          this.#arrived(bytes);
          taken();
        },
        end: () => this.close('came_apart', 'The container has closed the connection.'),
        broken: (detail) => this.close('came_apart', detail),
      },
    );
    if ('refused' in stream) {
      this.#host.refused(full.terminal);
      return this.close(stream.refused, stream.detail);
    }
    if (this.#isClosed) return stream.reset();
    this.#stream = stream;
    for (const bytes of this.#early.splice(0)) this.#write(bytes);
  }

  /** Says why, and closes. */
  close(code: string, detail: string): void {
    if (this.#isClosed) return;
    closeWith(this.#socket, code, detail);
    this.#gone();
  }

  /** The words of the command that the client wants; undefined: a shell, or a terminal that is there. */
  async #wanted(): Promise<string[] | undefined> {
    if (!this.#options.exec) return undefined;
    const late = setTimeout(
      () => this.close('command_missing', 'No command came: with exec=true, the first frame is {"type":"command"}.'),
      COMMAND_MS,
    );
    const command = await this.#command.promise;
    clearTimeout(late);
    return command;
  }

  #receive(data: string | ArrayBuffer): void {
    if (this.#isClosed) return;
    if (typeof data !== 'string') return this.#input(new Uint8Array(data));
    const parsed = terminalFrame.safeParse(parseJson(data));
    if (parsed.success) return this.#take(parsed.data);
    const detail = issuesOf(parsed.error).map(({ path, message }) => `${path || 'frame'}: ${message}`);
    this.#say({ type: 'error', code: 'invalid_request', detail: detail.join('; ').slice(0, 500) });
  }

  #take(frame: TerminalFrame): void {
    switch (frame.type) {
      case 'command':
        return this.#command.resolve(frame.command);
      case 'ping':
        return this.#say({ type: 'pong' });
      case 'ack':
        if (!this.#options.acknowledges) return;
        this.#output.acknowledge(frame.at);
        return this.#write(encodeText(frame));
      case 'resize':
      case 'signal':
      case 'end':
        return this.#write(encodeText(frame));
    }
  }

  #input(bytes: Uint8Array): void {
    const now = Date.now();
    if (now >= this.#typed + TYPED_MS) {
      this.#typed = now;
      this.#host.typed();
    }
    this.#write(encodeFrame(FrameKind.input, bytes));
  }

  #write(frame: Uint8Array): void {
    if (this.#stream === null) {
      this.#earlyBytes += frame.length;
      this.#early.push(frame);
    } else void this.#stream.write(frame);
    if ((this.#stream?.waiting ?? this.#earlyBytes) <= INPUT_BYTES) return;
    this.close('too_much_input', 'More was sent than the terminal takes: wait for its `taken`.');
  }

  #arrived(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const arrived = this.#output.take(bytes);
    if (arrived === null) return this.close('came_apart', 'The container said what is no part of a terminal.');
    for (const one of arrived) this.#pass(one);
    if (this.#options.acknowledges) return;
    // Nobody else does.
    this.#output.acknowledge(this.#output.at);
    if (arrived.some(({ is }) => is === 'output')) this.#write(encodeText({ type: 'ack', at: this.#output.at }));
  }

  #pass(arrived: Arrived): void {
    if (this.#isClosed) return;
    if (arrived.is === 'error') {
      // No other word of it means more than that it is over.
      return this.close(arrived.code === 'replaced' ? 'replaced' : 'came_apart', arrived.detail);
    }
    if (arrived.is === 'report') {
      this.#say(arrived.report);
      if (arrived.report.type !== 'exit') return;
      this.#socket.close(1000, 'the command has ended');
      return this.#gone();
    }
    const { channel, bytes } = arrived;
    this.#socket.send(this.#output.tty ? bytes : marked(channel, bytes));
    this.#sent += bytes.length;
    if (this.#options.acknowledges || this.#sent < UNACKNOWLEDGED_BYTES) return;
    this.close('too_slow', 'Come back with your position, or acknowledge what you read (acks=true).');
  }

  #say(answer: TerminalAnswer): void {
    if (!this.#isClosed && this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(answer));
  }

  #gone(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#ping);
    this.#command.resolve(undefined);
    this.#stream?.reset();
    this.#early = [];
    this.#host.closed();
  }
}

function marked(channel: number, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(1 + bytes.length);
  frame[0] = channel;
  frame.set(bytes, 1);
  return frame;
}
