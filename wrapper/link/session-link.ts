import { PROTOCOL } from '../../protocol/link/protocol-version.ts';
import type { SessionFrame, WrapperCommand } from '../../protocol/link/wrapper/wrapper-link.ts';
import type { LinkItem, WrapperFrame } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { isKnownCommand } from '../shapes/read-frame.ts';
import { CommandQueue } from './command-queue.ts';
import { Link } from './link.ts';
import { Outbox } from './outbox.ts';
import { type Clock, Rush } from './rush.ts';

/**
 * Longest wait of an item that `gather` got, milliseconds. Each message to the session costs it a transaction, and at the
 * start of a turn `claude` writes five such lines within this time, while it needs the processor itself.
 */
const GATHER_MS = 50;

export interface SessionLinkListener {
  /** Runs a command of the session. False: `claude` is gone or about to go, and the command stays the session's. */
  run(command: WrapperCommand): Promise<boolean>;
  /** The session has stored the clone. Comes again with every connection. */
  go(): void;
  /** The session has said what it has stored: there may be less in `bytes` and `size`. */
  stored(): void;
}

/** The container's end of the link: sends items until the session has stored them, and runs its commands. */
export class SessionLink {
  readonly #listener: SessionLinkListener;
  readonly #outbox = new Outbox();
  readonly #commands: CommandQueue;
  readonly #link: Link;
  readonly #rush: Rush;
  #gathering: NodeJS.Timeout | undefined;
  /** The last ping of the runner, until it is answered. */
  #ping: number | null = null;

  /**
   * @param path of the session's unix socket
   * @param clock for a test: when a rush is over
   */
  constructor(path: string, epoch: number, listener: SessionLinkListener, clock?: Clock) {
    this.#listener = listener;
    this.#rush = new Rush(() => {
      this.#link.flush();
    }, clock);
    this.#link = new Link(path, {
      hello: () => ({ kind: 'hello', epoch, taken: this.#commands.connected(), protocol: PROTOCOL }),
      take: () => this.#take(),
      sent: (frame, length) => {
        if (frame.kind === 'items') this.#outbox.sent(frame, length);
      },
      receive: (frame) => this.#receive(frame),
      broken: () => {
        this.#outbox.disconnected();
        this.#ping = null;
      },
    });
    this.#commands = new CommandQueue({
      run: (command) => listener.run(command),
      done: () => {
        this.#flushSoon();
      },
    });
  }

  /** Bytes of the items that are not acknowledged yet. */
  get bytes(): number {
    return this.#outbox.bytes;
  }

  /** How many items are not acknowledged yet. */
  get size(): number {
    return this.#outbox.size;
  }

  /** Connects, and goes on doing so until `close`. */
  open(): void {
    this.#link.open();
  }

  /** Ends the connection for good. */
  close(): void {
    clearTimeout(this.#gathering);
    this.#rush.close();
    this.#link.close();
  }

  /** Numbers an item and sends it at the end of this turn of the event loop. */
  send(item: LinkItem): void {
    this.#outbox.push(item);
    this.#rush.now();
  }

  /** Numbers a line that is sent as `send` does when it comes alone, and in a rush joins others for a display's frame. */
  join(line: string): void {
    this.#outbox.push(line);
    this.#rush.join(line.length);
  }

  /** Numbers an item that may wait a little for those that follow. It is sent with the next one that may not. */
  gather(item: LinkItem): void {
    this.#outbox.push(item);
    this.#flushSoon();
  }

  /** Shows a line to whoever watches the session now. In a rush it joins others, as with `join`. */
  preview(line: string): void {
    this.#outbox.preview(line);
    this.#rush.join(line.length);
  }

  /** `claude` is ready: run the commands that wait, and those that come. */
  startCommands(): void {
    this.#commands.start();
  }

  #flushSoon(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#rush.now();
    }, GATHER_MS);
  }

  #take(): WrapperFrame | null {
    if (this.#ping !== null) {
      const number = this.#ping;
      this.#ping = null;
      return { kind: 'pong', number };
    }
    // A relay that does not know yet what the session has stored takes nothing before its welcome.
    if (!this.#outbox.connected) return null;
    return this.#commands.take() ?? this.#outbox.take();
  }

  #receive(frame: SessionFrame): string | null {
    if (frame.kind === 'command') {
      const gap = this.#command(frame);
      this.#link.flush();
      return gap;
    }
    if (frame.kind === 'ping') {
      this.#ping = frame.number;
      this.#link.flush();
      return null;
    }
    if (!this.#accept(frame)) return `${JSON.stringify(frame)} cannot be`;
    // There may be room in the window again, or a connection. What joins a rush has a time of its own.
    if (!this.#rush.isJoining || frame.kind !== 'ack') this.#link.flush();
    this.#listener.stored();
    return null;
  }

  #command({ number, command }: Extract<SessionFrame, { kind: 'command' }>): string | null {
    if (isKnownCommand(command)) return this.#commands.receive(number, command);
    console.error(`cc-docker wrapper: the edge is newer: the command ${command.command} is passed over`);
    return this.#commands.receive(number, { command: 'skip' });
  }

  /** False: the frame does not fit what was sent. */
  #accept(frame: Exclude<SessionFrame, { kind: 'command' | 'ping' }>): boolean {
    switch (frame.kind) {
      case 'welcome':
        return this.#outbox.welcome(frame.stored);
      case 'ack':
        return this.#outbox.acknowledge(frame.stored);
      case 'resend':
        return this.#outbox.resend(frame.from);
      case 'go':
        this.#listener.go();
        return true;
      case 'host_ack':
      case 'model':
      case 'previews':
      case 'tunnel':
        // For the runner: a wrapper never gets them.
        break;
    }
    return false;
  }
}
