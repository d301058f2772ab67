import type { WrapperLaunch } from '../protocol/wrapper-launch.ts';
import type { SessionFrame, WrapperCommand, WrapperFrame } from '../protocol/wrapper-link.ts';
import { type ClaudeEnd, type ClaudeLine, ClaudeProcess } from './claude-process.ts';
import { Inbox } from './inbox.ts';
import { Link } from './link.ts';
import { Outbox } from './outbox.ts';
import { Turns } from './turns.ts';

/** Bytes not acknowledged at which `claude`'s output is left unread, and at which it is read again. */
const PAUSE_BYTES = 64 * 1024 * 1024;
const RESUME_BYTES = 32 * 1024 * 1024;

/** Milliseconds for the last words to be acknowledged once `claude` has ended: after a stop, and when it ended by itself. */
const FLUSH_STOPPED_MS = 8000;
const FLUSH_EXITED_MS = 600_000;

/** One epoch: `claude`, the link to its session, and what passes between them. */
export class Conversation {
  /** Settles when `claude` is gone and its words are safe, or the time for that is over: how many were not. */
  readonly ended: Promise<number>;
  readonly #epoch: number;
  readonly #outbox = new Outbox();
  readonly #inbox = new Inbox();
  readonly #turns = new Turns();
  readonly #claude: ClaudeProcess;
  readonly #link: Link;
  readonly #settle: (unacknowledged: number) => void;
  #ready = false;
  #handing = false;
  #takenDue = false;
  #interrupts = 0;
  #stopping = false;
  #claudeEnded = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(launch: WrapperLaunch) {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.ended = promise;
    this.#settle = resolve;
    this.#epoch = launch.epoch;
    // First of all: it takes half a second to start, and nothing else does.
    this.#claude = new ClaudeProcess(launch, {
      line: (line) => {
        this.#said(line);
      },
      ready: (version) => {
        this.#ready = true;
        this.#outbox.push({ notice: 'ready', claude_version: version });
        this.#link.flush();
        void this.#handOn();
      },
      ended: (end) => {
        this.#over(end);
      },
    });
    this.#link = new Link(launch.link_socket, {
      hello: () => {
        this.#takenDue = false;
        return { kind: 'hello', epoch: this.#epoch, taken: this.#inbox.taken };
      },
      take: () => this.#take(),
      receive: (frame) => this.#receive(frame),
      broken: () => {
        this.#outbox.disconnected();
      },
    });
  }

  /** Ends `claude` gently, then the conversation. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#claude.stop();
    if (this.#claudeEnded) this.#finishWithin(FLUSH_STOPPED_MS);
  }

  /** Leaves no process behind, on the spot. */
  kill(): void {
    this.#claude.kill();
  }

  #said(line: ClaudeLine): void {
    if (line.kind === 'preview') this.#outbox.preview(line.line);
    else this.#outbox.push(line.kind === 'item' ? line.item : line.line);
    this.#link.flush();
    if (line.kind === 'lifecycle' && this.#turns.lifecycle(line.messageId, line.state)) void this.#interrupt();
    if (this.#outbox.bytes > PAUSE_BYTES) this.#claude.pause();
  }

  #take(): WrapperFrame | null {
    if (!this.#takenDue) return this.#outbox.take();
    this.#takenDue = false;
    return { kind: 'taken', command: this.#inbox.taken };
  }

  #receive(frame: SessionFrame): string | null {
    if (frame.kind === 'command') {
      const receipt = this.#inbox.receive(frame.number, frame.command);
      if (receipt === 'taken') this.#takenDue = true;
      else if (receipt === 'waiting') void this.#handOn();
      // A new `hello` tells the session which command is missing.
      return receipt === 'gap' ? `command ${frame.number} after ${this.#inbox.taken}` : null;
    }
    if (!this.#heed(frame)) return `${JSON.stringify(frame)} cannot be`;
    if (this.#outbox.bytes < RESUME_BYTES) this.#claude.resume();
    if (this.#claudeEnded && this.#outbox.size === 0) this.#finish();
    return null;
  }

  #heed(frame: Exclude<SessionFrame, { kind: 'command' }>): boolean {
    if (frame.kind === 'welcome') return this.#outbox.welcome(frame.stored);
    if (frame.kind === 'ack') return this.#outbox.acknowledge(frame.stored);
    return this.#outbox.resend(frame.from);
  }

  /** Hands commands on, one after the other, from the moment that `claude` is ready. */
  async #handOn(): Promise<void> {
    if (!this.#ready || this.#handing) return;
    this.#handing = true;
    for (let command = this.#inbox.peek(); command !== null; command = this.#inbox.peek()) {
      // When it no longer reads, its exit is on its way up, and the command stays the session's.
      if (!(await this.#hand(command))) break;
      this.#inbox.handedOn();
      this.#takenDue = true;
      this.#link.flush();
    }
    this.#handing = false;
  }

  async #hand(command: WrapperCommand): Promise<boolean> {
    if (command.command === 'interrupt') {
      return this.#turns.interrupt(command.message_id) ? this.#interrupt() : true;
    }
    this.#turns.prompted(command.message_id);
    return this.#claude.write({
      type: 'user',
      message: { role: 'user', content: [{ type: 'text', text: command.prompt }] },
      parent_tool_use_id: null,
      uuid: command.message_id,
    });
  }

  #interrupt(): Promise<boolean> {
    this.#interrupts += 1;
    return this.#claude.write({
      type: 'control_request',
      request_id: `cc-docker-interrupt-${this.#interrupts}`,
      request: { subtype: 'interrupt' },
    });
  }

  #over(end: ClaudeEnd): void {
    this.#claudeEnded = true;
    this.#outbox.push(end);
    this.#link.flush();
    this.#finishWithin(this.#stopping ? FLUSH_STOPPED_MS : FLUSH_EXITED_MS);
  }

  #finishWithin(ms: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      this.#finish();
    }, ms);
  }

  #finish(): void {
    clearTimeout(this.#deadline);
    this.#link.close();
    this.#settle(this.#outbox.size);
  }
}
