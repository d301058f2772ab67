import { once } from 'node:events';
import net from 'node:net';
import { isKnownCommand, type SessionFrame, type WrapperCommand } from '../../../protocol/link/wrapper/wrapper-link.ts';
import type { LinkItem, WrapperFrame } from '../../../protocol/link/wrapper/wrapper-notice.ts';
import { Changes } from '../changes.ts';
import type { Said } from './case.ts';
import { isPreview } from './on-the-wire.ts';
import { wireOf } from './socket-wires.ts';
import type { Wire } from './wire.ts';

/**
 * A correct wrapper, behind a relay that a case tests from the session's side. Its connection never breaks. It fails when the
 * relay gives it a command that is not the next one.
 */
export class WrapperPeer {
  /** The commands that came, each once and in order. */
  readonly commands: WrapperCommand[] = [];
  readonly #changes = new Changes();
  readonly #wire: Wire;
  #said = 0;
  #taken = 0;
  #welcomes = 0;
  /** The command that must come next. After a welcome, those that are not taken come again. */
  #next = 1;
  #fault: string | undefined;

  static async connect(path: string): Promise<WrapperPeer> {
    const socket = net.connect(path);
    await once(socket, 'connect');
    const peer = new WrapperPeer(wireOf(socket));
    await peer.#seen();
    return peer;
  }

  private constructor(wire: Wire) {
    this.#wire = wire;
    void this.#read();
  }

  /** Sends items, as many as it can in one frame, and previews between them. */
  async say(said: readonly Said[]): Promise<void> {
    let items: LinkItem[] = [];
    const flush = (): void => {
      if (items.length > 0) this.#send({ kind: 'items', first: this.#said + 1, items });
      this.#said += items.length;
      items = [];
    };
    for (const one of said) {
      if (isPreview(one)) {
        flush();
        this.#send({ kind: 'preview', line: one.preview });
      } else items.push(one);
    }
    flush();
    await this.#seen();
  }

  /** Waits for a command, and reports it as taken. */
  async take(number: number): Promise<void> {
    await this.#until(() => this.commands.length >= number);
    this.#taken = number;
    this.#send({ kind: 'taken', command: number });
    await this.#seen();
  }

  #send(frame: WrapperFrame): void {
    this.#wire.send(JSON.stringify(frame));
  }

  /** Settles when the relay has read all that was sent: it answers another `hello`. */
  async #seen(): Promise<void> {
    const before = this.#welcomes;
    this.#send({ kind: 'hello', epoch: 1, taken: this.#taken });
    await this.#until(() => this.#welcomes > before);
  }

  async #until(condition: () => boolean): Promise<void> {
    const fault = await this.#changes.until(() => this.#fault ?? condition());
    if (typeof fault === 'string') throw new Error(fault);
  }

  async #read(): Promise<void> {
    for (let line = await this.#wire.next(); line !== null; line = await this.#wire.next()) {
      const frame: SessionFrame = JSON.parse(line);
      if (frame.kind === 'ping') this.#send({ kind: 'pong', number: frame.number });
      if (frame.kind === 'welcome') {
        this.#welcomes += 1;
        this.#next = this.#taken + 1;
      } else if (frame.kind === 'command' && isKnownCommand(frame.command)) this.#command(frame.number, frame.command);
      this.#changes.notify();
    }
  }

  #command(number: number, command: WrapperCommand): void {
    if (number !== this.#next) this.#fault ??= `the relay sent command ${number} in the place of ${this.#next}`;
    this.#next = number + 1;
    if (number > this.commands.length) this.commands.push(command);
  }
}
