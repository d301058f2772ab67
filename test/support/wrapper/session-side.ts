import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Resolution } from '../../../protocol/api/session/interaction.ts';
import type { SessionFrame, WrapperCommand } from '../../../protocol/link/wrapper/wrapper-link.ts';
import {
  type LinkItem,
  isKnownNotice,
  wrapperFrame,
  type WrapperFrame,
  type WrapperNotice,
} from '../../../protocol/link/wrapper/wrapper-notice.ts';

/** The session, as far as a wrapper sees it: on a unix socket, with a log in memory. */
export class SessionSide implements AsyncDisposable {
  /** All that was stored, since `forget`. So are the others. */
  readonly items: LinkItem[] = [];
  /** Of those, Claude Code's lines, parsed. */
  readonly lines: Record<string, unknown>[] = [];
  /** Items and previews in the order of their coming. */
  readonly seen: string[] = [];
  readonly frames: WrapperFrame[] = [];
  /** Items are stored but not acknowledged. */
  withholdAcks = false;
  connections = 0;
  readonly #server: Server;
  readonly #commands: WrapperCommand[] = [];
  #socket: Socket | null = null;
  #taken = 0;
  #stored = 0;
  #waiting = new Set<() => void>();

  static async listen(path: string): Promise<SessionSide> {
    const session = new SessionSide();
    session.#server.listen(path);
    await once(session.#server, 'listening');
    return session;
  }

  private constructor() {
    this.#server = createServer((socket) => {
      this.#accept(socket);
    });
  }

  get notices(): WrapperNotice[] {
    return this.items.filter((item) => typeof item !== 'string').filter(isKnownNotice);
  }

  get taken(): number {
    return this.#taken;
  }

  /** Begins anew for the next test of a session that several share: what came so far is not seen any more. */
  forget(): void {
    for (const seen of [this.items, this.lines, this.seen, this.frames]) seen.length = 0;
  }

  order(command: WrapperCommand): void {
    this.#commands.push(command);
    this.send({ kind: 'command', number: this.#commands.length, command });
  }

  /** Orders that a prompt be handed on, and settles with the turn's result line. */
  async turn(prompt: string): Promise<Record<string, unknown>> {
    const before = this.lines.filter((line) => line['type'] === 'result').length;
    this.prompt(prompt);
    return this.until(() => this.lines.filter((line) => line['type'] === 'result')[before]);
  }

  prompt(prompt: string): string {
    const message_id = crypto.randomUUID();
    this.order({ command: 'prompt', message_id, prompt });
    return message_id;
  }

  /** Settles with the first thing that `find` finds, now or after whatever comes next. */
  async until<T>(find: () => T | undefined | false | null): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined && found !== false && found !== null) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  notice<N extends WrapperNotice['notice']>(name: N): Promise<Extract<WrapperNotice, { notice: N }>> {
    return this.nth(name, 0);
  }

  /** The `n`th of these notices (from 0), now or when it comes. */
  async nth<N extends WrapperNotice['notice']>(name: N, n: number): Promise<Extract<WrapperNotice, { notice: N }>> {
    return this.until(() => this.all(name)[n]);
  }

  all<N extends WrapperNotice['notice']>(name: N): Extract<WrapperNotice, { notice: N }>[] {
    return this.notices.filter((notice): notice is Extract<WrapperNotice, { notice: N }> => notice.notice === name);
  }

  /** Decides on what is asked in the `n`th place (from 0), and settles with that. */
  async resolve(n: number, resolution: Resolution): Promise<Extract<WrapperNotice, { notice: 'asked' }>> {
    const asked = await this.nth('asked', n);
    this.order({ command: 'resolve', interaction_id: asked.interaction_id, resolution });
    return asked;
  }

  send(frame: SessionFrame): void {
    this.#socket?.write(`${JSON.stringify(frame)}\n`);
  }

  sendRaw(text: string): void {
    this.#socket?.write(text);
  }

  breakLink(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.breakLink();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.#socket = socket;
    this.connections += 1;
    // The parts of a line: put together only once it is whole, for one may be of megabytes.
    let parts: string[] = [];
    socket.setEncoding('utf8');
    socket.on('error', () => {
      // Broken on purpose, or by a wrapper that was ended.
    });
    socket.on('data', (chunk: string) => {
      for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n')) {
        const line = [...parts, chunk.slice(0, end)].join('');
        parts = [];
        chunk = chunk.slice(end + 1);
        // What a broken connection still delivers is not heard: that is what makes it broken.
        if (this.#socket === socket) this.#receive(wrapperFrame.parse(JSON.parse(line)));
      }
      parts.push(chunk);
      for (const resolve of this.#waiting) resolve();
      this.#waiting.clear();
    });
  }

  #receive(frame: WrapperFrame): void {
    this.frames.push(frame);
    if (frame.kind === 'hello') {
      this.#taken = frame.taken;
      this.send({ kind: 'welcome', stored: this.#stored });
      for (const [i, command] of this.#commands.entries()) {
        if (i + 1 > frame.taken) this.send({ kind: 'command', number: i + 1, command });
      }
    } else if (frame.kind === 'taken') {
      this.#taken = frame.command;
    } else if (frame.kind === 'preview') {
      this.seen.push(frame.line);
    } else if (frame.kind === 'pong') {
      return;
    } else if (frame.first > this.#stored + 1) {
      this.send({ kind: 'resend', from: this.#stored + 1 });
    } else {
      const fresh = frame.items.slice(this.#stored + 1 - frame.first);
      this.#stored += fresh.length;
      this.items.push(...fresh);
      const lines = fresh.filter((item) => typeof item === 'string');
      this.seen.push(...lines);
      this.lines.push(...lines.map((line): Record<string, unknown> => JSON.parse(line)));
      if (!this.withholdAcks) this.send({ kind: 'ack', stored: this.#stored });
    }
  }
}
