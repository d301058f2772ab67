import type { RunnerNotice } from '../../../protocol/link/runner-notice.ts';
import { isKnownCommand, type SessionFrame } from '../../../protocol/link/wrapper/wrapper-link.ts';
import { FIRST_PROTOCOL, PROTOCOL, worksWith } from '../../../protocol/link/protocol-version.ts';
import { isKnownNotice, type WrapperFrame, type WrapperNotice } from '../../../protocol/link/wrapper/wrapper-notice.ts';
import { LINK_FLOOD_BYTES } from '../../../protocol/settings/limits.ts';
import { CommandQueue } from './command-queue.ts';
import type { Refusal } from './data-socket.ts';
import { openLinkServer, type LinkServer } from './link-server.ts';
import { RelayBuffer } from './relay-buffer.ts';
import { SessionPort, type SessionPortOptions } from './session-port.ts';
import { WrapperPulse, type PulseOptions } from './wrapper-pulse.ts';

/**
 * Items that are not stored yet, characters. Above this the wrapper is not read. A correct one has stopped before, at its
 * window. The session has to see what is a flood, so it is more than that.
 */
const UNSTORED_LIMIT = LINK_FLOOD_BYTES + 1024 * 1024;
/** Unsent bytes of one socket. Above this the socket of the other side is not read. */
const UNSENT_LIMIT = 4 * 1024 * 1024;

export interface RelayOptions extends SessionPortOptions, PulseOptions {
  /** Path of the link's socket, short enough for the kernel. */
  linkPath: string;
  /** The session will never listen to this container again. */
  onRefused: (why: Refusal | 'lost_items') => void;
  /** A notice of the wrapper. It may come twice, after a break. */
  onNotice?: (notice: WrapperNotice) => void;
  /** The session pauses calls to the model, or lets them continue. */
  onModelPaused?: (paused: boolean) => void;
  /** A turn is to begin; its place in its trace, if it is traced. It may come twice, after a break. */
  onPrompt?: (traceparent: string | undefined) => void;
}

/**
 * Carries frames between a container's wrapper and its session. It is an end of the protocol on both sides: it keeps items
 * until the session has stored them, and commands until the wrapper has taken them. So one side does not notice a break of
 * the other, and the last lines of a dead container still reach a session that was away.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #commands = new CommandQueue();
  readonly #session: SessionPort;
  /** Absent until it is known what the session has stored. */
  #items: RelayBuffer | undefined;
  #link: LinkServer | undefined;
  /** The wrapper's present connection. `greeted`: its `hello` has come; `welcomed`: it was answered. */
  #wrapper: 'none' | 'greeted' | 'welcomed' = 'none';
  /** A wrapper has sent a `hello` at some time. Since then it is known which commands were taken. */
  #wrapperSeen = false;
  /** The start of the gap that was asked for, so that one gap causes one request. */
  #resendFrom = 0;
  /** Somebody watches the session who is shown previews. Each connection to it begins so. */
  #previewsWanted = true;
  /** The wrapper may continue after its clone. */
  #mayGo = false;
  #containerEnded = false;
  #refused = false;
  readonly #pulse: WrapperPulse;
  /** There was something to tell the session before a wrapper came. */
  #early = false;
  #resolveDrained: (() => void) | undefined;
  readonly #drained = new Promise<void>((resolve) => (this.#resolveDrained = resolve));

  private constructor(options: RelayOptions) {
    this.#options = options;
    if (options.fresh) this.#items = new RelayBuffer(0);
    this.#pulse = new WrapperPulse(options);
    this.#session = new SessionPort(options, {
      open: () => {
        this.#previewsWanted = true;
        this.#greetSession();
      },
      frame: (frame, text) => this.#fromSession(frame, text),
      down: () => this.#regulate(),
      refused: (why) => this.#refuse(why),
      flushed: () => this.#regulate(),
    });
  }

  /** Opens the link's socket, and connects to the session at the same time. @throws when the socket cannot be opened */
  static async open(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    try {
      relay.#link = await openLinkServer(
        options.linkPath,
        {
          frame: (frame, text) => relay.#fromWrapper(frame, text),
          gone: () => {
            relay.#wrapper = 'none';
            relay.#regulate();
            relay.#finishIfDrained();
          },
          drained: () => relay.#regulate(),
          connected: () => relay.#pulse.connected(),
          heard: () => relay.#pulse.heard(),
          rival: () => relay.#pulse.rival(),
        },
        options.log,
      );
      relay.#pulse.start(relay.#link);
    } catch (error) {
      relay.#session.close();
      throw error;
    }
    return relay;
  }

  /** The session can be greeted. */
  get #speaks(): boolean {
    return this.#wrapperSeen || this.#early;
  }

  /** Sends notices of the runner itself to the session, as reliably as what the container sends. */
  notify(notices: readonly RunnerNotice[]): void {
    if (this.#refused) return;
    this.#session.notify(notices);
    // They may come long before a wrapper. Of a container that has not run, it is known that no command was taken.
    if (!this.#options.fresh || this.#early) return;
    this.#early = true;
    this.#greetSession();
  }

  /** Lets the wrapper continue after its clone, now and after every break. */
  go(): void {
    this.#mayGo = true;
    if (this.#wrapper === 'welcomed') this.#toWrapper({ kind: 'go' });
  }

  /** The container has ended: reads what is left in the link's socket, and closes it. */
  async containerEnded(): Promise<void> {
    this.#containerEnded = true;
    this.#pulse.stop();
    this.#regulate();
    await this.#link?.finish();
    this.#finishIfDrained();
  }

  /** Resolves when the session has stored all that the container and the runner sent, or has refused it for good. */
  async drained(): Promise<void> {
    await this.#drained;
  }

  /** Closes both sides at once. What is not stored is lost. */
  async close(): Promise<void> {
    this.#pulse.stop();
    this.#session.close();
    await this.#link?.close();
    this.#resolveDrained?.();
  }

  #fromWrapper(frame: WrapperFrame, text: string): void {
    if (frame.kind === 'pong') return this.#pulse.answered(frame.number);
    if (this.#refused) return;
    if (frame.kind === 'hello') return this.#wrapperHello(frame);
    const items = this.#items;
    if (this.#wrapper !== 'welcomed' || items === undefined)
      return this.#link?.drop('it sent a frame before its welcome');
    switch (frame.kind) {
      case 'items': {
        const accepted = items.accept(frame, text);
        if (accepted.kind === 'new') {
          this.#session.send(accepted.text);
          for (const item of frame.items)
            if (typeof item !== 'string' && isKnownNotice(item)) this.#options.onNotice?.(item);
        }
        if (accepted.kind === 'gap' && this.#resendFrom !== accepted.from) {
          this.#resendFrom = accepted.from;
          this.#toWrapper({ kind: 'resend', from: accepted.from });
        }
        break;
      }
      case 'preview':
        // A preview is of use now or never: it is not kept.
        if (this.#previewsWanted) this.#session.send(text);
        break;
      case 'taken':
        this.#commands.take(frame.command);
        this.#session.reportTaken(this.#commands.taken);
        break;
    }
    this.#regulate();
  }

  /** The container is paused, or goes on: from then on its wrapper has all its time to answer. */
  setPaused(paused: boolean): void {
    this.#pulse.setPaused(paused);
  }

  #wrapperHello(frame: Extract<WrapperFrame, { kind: 'hello' }>): void {
    if (frame.epoch !== this.#options.epoch) return this.#link?.drop(`it is of epoch ${frame.epoch}`);
    const { protocol = FIRST_PROTOCOL } = frame;
    if (!worksWith(protocol)) {
      const why = `it speaks protocol ${protocol}, and this runner ${PROTOCOL}: build its image (SESSION_IMAGE) with this version`;
      return this.#link?.drop(why);
    }
    this.#wrapper = 'greeted';
    this.#resendFrom = 0;
    this.#wrapperSeen = true;
    this.#commands.take(frame.taken);
    this.#session.reportTaken(this.#commands.taken);
    this.#greetSession();
    this.#welcomeWrapper();
  }

  #welcomeWrapper(): void {
    const items = this.#items;
    if (this.#wrapper !== 'greeted' || items === undefined) return;
    this.#wrapper = 'welcomed';
    // Not what this process has received: if the runner dies, the wrapper must still have all that the session has not.
    this.#toWrapper({ kind: 'welcome', stored: items.stored, protocol: PROTOCOL });
    if (this.#mayGo) this.#toWrapper({ kind: 'go' });
    for (const command of this.#commands.waiting) this.#link?.send(command);
  }

  #greetSession(): void {
    if (this.#speaks) this.#session.greet(this.#commands.taken);
  }

  #fromSession(frame: Exclude<SessionFrame, { kind: 'tunnel' }>, text: string): void {
    switch (frame.kind) {
      case 'welcome':
        this.#sessionWelcome(frame.stored);
        break;
      case 'ack':
        this.#stored(frame.stored);
        break;
      case 'resend':
        this.#resend(frame.from);
        break;
      case 'host_ack':
        if (this.#session.acknowledgeNotices(frame.stored)) this.#finishIfDrained();
        else this.#refuse('lost_items');
        break;
      case 'model':
        this.#options.onModelPaused?.(frame.held);
        break;
      case 'previews':
        this.#previewsWanted = frame.wanted;
        break;
      case 'go':
      case 'ping':
        // Only the runner may send them.
        break;
      case 'command':
        if (isKnownCommand(frame.command) && frame.command.command === 'prompt')
          this.#options.onPrompt?.(frame.command.traceparent);
        if (this.#commands.offer(frame.number, text) && this.#wrapper === 'welcomed') this.#link?.send(text);
        break;
    }
    this.#regulate();
  }

  #sessionWelcome(stored: number): void {
    // The wrapper of an adopted container continues after what is stored.
    this.#items ??= new RelayBuffer(stored);
    this.#session.welcomed();
    this.#stored(stored);
    if (this.#items.empty) this.#session.resetBackoff();
    this.#resend(stored + 1);
    // The wrapper may have taken a command since `hello` was sent.
    this.#session.reportTaken(this.#commands.taken);
    this.#welcomeWrapper();
  }

  #stored(stored: number): void {
    const items = this.#items;
    if (items === undefined) return;
    const before = items.stored;
    if (!items.acknowledge(stored)) return this.#refuse('lost_items');
    // Only progress resets the backoff: a session that fails on one frame would else be dialled in a tight loop.
    if (items.stored > before) this.#session.resetBackoff();
    if (items.stored > before && this.#wrapper === 'welcomed') this.#toWrapper({ kind: 'ack', stored });
    this.#finishIfDrained();
  }

  #resend(from: number): void {
    const frames = this.#items?.from(from);
    // Nobody has the items that it wants, or those that it believes it has. To continue would leave a hole.
    if (frames === undefined) return this.#refuse('lost_items');
    for (const text of frames) this.#session.send(text);
  }

  #toWrapper(frame: SessionFrame): void {
    this.#link?.send(JSON.stringify(frame));
  }

  /** Reads neither side faster than the other takes. What a dead container left is always read: it is limited. */
  #regulate(): void {
    const full = (this.#items?.size ?? 0) > UNSTORED_LIMIT || this.#session.waiting > UNSENT_LIMIT;
    if (full && !this.#containerEnded && !this.#refused) this.#link?.pause();
    else this.#link?.resume();
    if ((this.#link?.waiting ?? 0) > UNSENT_LIMIT) this.#session.pause();
    else this.#session.resume();
  }

  #refuse(why: Refusal | 'lost_items'): void {
    if (this.#refused) return;
    this.#refused = true;
    if (why === 'lost_items') this.#options.log.error('the session and this relay disagree on what is stored', {});
    this.#session.close();
    this.#regulate();
    this.#finishIfDrained();
    this.#options.onRefused(why);
  }

  #finishIfDrained(): void {
    if (!this.#containerEnded || this.#link?.connected === true) return;
    if (!this.#refused && this.#items?.empty === false) return;
    // Before that, the session does not listen and there is nothing to notify it of.
    if (!this.#refused && this.#speaks && !this.#session.noticesStored) return;
    this.#session.close();
    this.#resolveDrained?.();
  }
}
