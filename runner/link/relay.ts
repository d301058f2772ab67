import { CloseCode } from '../../protocol/close-code.ts';
import type { RunnerNotice } from '../../protocol/link/runner-notice.ts';
import { sessionFrame, type SessionFrame } from '../../protocol/link/wrapper-link.ts';
import type { WrapperFrame, WrapperNotice } from '../../protocol/link/wrapper-notice.ts';
import type { BackoffRange } from '../lib/backoff.ts';
import { CommandQueue } from './command-queue.ts';
import { DataSocket, type Refusal } from './data-socket.ts';
import { openLinkServer, type LinkServer } from './link-server.ts';
import type { Log } from '../lib/log.ts';
import { NoticeBuffer } from './notice-buffer.ts';
import { RelayBuffer } from './relay-buffer.ts';

/** Said and not yet stored, characters: beyond it the wrapper is not read on (it keeps the rest itself). */
const HOLD_LIMIT = 32 * 1024 * 1024;
/** Waiting in one direction's socket, bytes: beyond it the other side is not read on. */
const SEND_LIMIT = 4 * 1024 * 1024;

export interface RelayOptions {
  /** Path of the link's socket, short enough for the kernel. */
  linkPath: string;
  epoch: number;
  /** The session's data socket. */
  url: string;
  token: string;
  /** This process launched the container. Otherwise an earlier one did, and only the session knows what it has stored. */
  fresh: boolean;
  log: Log;
  /** The session will not hear this container any more, so nobody will. */
  onRefused: (why: Refusal | 'lost_items') => void;
  /** The wrapper said this of itself. At least once: after a break it may say it again. */
  onNotice?: (notice: WrapperNotice) => void;
  /** The session says whether calls to the model are held back. */
  onModelHeld?: (held: boolean) => void;
  backoff?: BackoffRange;
  heartbeatMs?: number;
}

/**
 * Carries frames between a container's wrapper and its session, and is itself an end of the protocol on both sides: it holds
 * what is not stored yet in one direction, and not taken yet in the other. So a break on one side is no matter of the
 * other's, and what a container said before it died still reaches a session that was away.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #commands = new CommandQueue();
  /** What the runner itself has to say of the container. */
  readonly #notices: NoticeBuffer;
  #noticeDropped = false;
  /** Absent as long as nobody has said what the session has stored. */
  #items: RelayBuffer | undefined;
  #link: LinkServer | undefined;
  #data: DataSocket;
  /** `open`: connected; `greeted`: `hello` is sent; `live`: `welcome` has come. */
  #session: 'down' | 'open' | 'greeted' | 'live' = 'down';
  /** This connection of the wrapper's: `greeted` when its `hello` has come, `welcomed` when it was answered. */
  #wrapper: 'none' | 'greeted' | 'welcomed' = 'none';
  /** A wrapper has ever said `hello`: from then on this relay knows what was taken, and may speak for it. */
  #known = false;
  /** What the session was last told of commands taken. */
  #saidTaken = 0;
  /** The gap that was asked for, so that one gap is one question. */
  #askedFrom = 0;
  /** The wrapper may go on after its clone. */
  #mayGo = false;
  #containerGone = false;
  #refused = false;
  #settled: (() => void) | undefined;
  readonly #drained = new Promise<void>((resolve) => (this.#settled = resolve));

  private constructor(options: RelayOptions) {
    this.#options = options;
    if (options.fresh) this.#items = new RelayBuffer(0);
    this.#notices = new NoticeBuffer(options.fresh);
    this.#data = new DataSocket({
      url: options.url,
      token: options.token,
      log: options.log,
      ...(options.backoff && { backoff: options.backoff }),
      ...(options.heartbeatMs && { heartbeatMs: options.heartbeatMs }),
      handlers: {
        open: () => {
          this.#session = 'open';
          this.#greetSession();
        },
        message: (text) => this.#fromSession(text),
        down: () => {
          this.#session = 'down';
          this.#notices.disconnected();
          this.#regulate();
        },
        refused: (why) => this.#refuse(why),
        flushed: () => this.#regulate(),
      },
    });
  }

  /** Opens both ends; the session is dialled while the link's socket is made. @throws when that cannot be */
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
            relay.#settle();
          },
          drained: () => relay.#regulate(),
        },
        options.log,
      );
    } catch (error) {
      relay.#data.close();
      throw error;
    }
    return relay;
  }

  /** Says something of the runner's own to the session, as reliably as what the container says. */
  tell(notices: readonly RunnerNotice[]): void {
    if (this.#refused) return;
    for (const notice of notices) {
      if (this.#notices.push(notice) || this.#noticeDropped) continue;
      this.#noticeDropped = true;
      this.#options.log.warn('too many notices wait for the session: the next ones are dropped', {});
    }
    this.#sendNotices();
  }

  /** Lets a wrapper that has cloned go on, now and after every break. */
  go(): void {
    this.#mayGo = true;
    if (this.#wrapper === 'welcomed') this.#toWrapper({ kind: 'go' });
  }

  /** The container is gone: reads what it still left in the link, and closes that. */
  async containerGone(): Promise<void> {
    this.#containerGone = true;
    this.#regulate();
    await this.#link?.finish();
    this.#settle();
  }

  /** Resolves when all that the container said, and the runner of it, is stored, or the session has refused it for good. */
  async drained(): Promise<void> {
    await this.#drained;
  }

  /** Ends both sides at once; what is not stored is given up. */
  async close(): Promise<void> {
    this.#data.close();
    await this.#link?.close();
    this.#settled?.();
  }

  #fromWrapper(frame: WrapperFrame, text: string): void {
    if (this.#refused) return;
    if (frame.kind === 'hello') return this.#wrapperHello(frame);
    const items = this.#items;
    if (this.#wrapper !== 'welcomed' || items === undefined) return this.#link?.drop('it spoke before its welcome');
    switch (frame.kind) {
      case 'items': {
        const accepted = items.accept(frame, text);
        if (accepted.kind === 'new') {
          this.#toSession(accepted.text);
          for (const item of frame.items) if (typeof item !== 'string') this.#options.onNotice?.(item);
        }
        if (accepted.kind === 'gap' && this.#askedFrom !== accepted.from) {
          this.#askedFrom = accepted.from;
          this.#toWrapper({ kind: 'resend', from: accepted.from });
        }
        break;
      }
      case 'preview':
        // Of use now or never.
        this.#toSession(text);
        break;
      case 'taken':
        this.#commands.take(frame.command);
        this.#sayTaken();
        break;
    }
    this.#regulate();
  }

  #wrapperHello(frame: Extract<WrapperFrame, { kind: 'hello' }>): void {
    if (frame.epoch !== this.#options.epoch) return this.#link?.drop(`it is of epoch ${frame.epoch}`);
    this.#wrapper = 'greeted';
    this.#askedFrom = 0;
    this.#known = true;
    this.#commands.take(frame.taken);
    this.#sayTaken();
    this.#greetSession();
    this.#welcomeWrapper();
  }

  #welcomeWrapper(): void {
    const items = this.#items;
    if (this.#wrapper !== 'greeted' || items === undefined) return;
    this.#wrapper = 'welcomed';
    // What this process alone has is not safe: the wrapper keeps it until the session has it.
    this.#toWrapper({ kind: 'welcome', stored: items.stored });
    if (this.#mayGo) this.#toWrapper({ kind: 'go' });
    for (const command of this.#commands.waiting) this.#link?.send(command);
  }

  #greetSession(): void {
    if (this.#session !== 'open' || !this.#known) return;
    this.#session = 'greeted';
    this.#saidTaken = this.#commands.taken;
    const hello: WrapperFrame = { kind: 'hello', epoch: this.#options.epoch, taken: this.#saidTaken };
    this.#data.send(JSON.stringify(hello));
  }

  #sayTaken(): void {
    const { taken } = this.#commands;
    if (this.#session !== 'live' || taken === this.#saidTaken) return;
    this.#saidTaken = taken;
    this.#toSession(JSON.stringify({ kind: 'taken', command: taken } satisfies WrapperFrame));
  }

  #fromSession(text: string): void {
    const frame = parseFrame(text);
    if (frame === undefined) {
      this.#options.log.error('a frame of the session is not of the protocol', { bytes: text.length });
      this.#data.drop(CloseCode.badFrame, 'not of the protocol');
      return;
    }
    // Before this connection's `hello`; in answer to that it comes again.
    if (this.#session === 'open') return;
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
        this.#noticesStored(frame.stored);
        break;
      case 'model':
        this.#options.onModelHeld?.(frame.held);
        break;
      case 'go':
        // The runner's own to say.
        break;
      case 'command':
        if (this.#commands.offer(frame.number, text) && this.#wrapper === 'welcomed') this.#link?.send(text);
        break;
    }
    this.#regulate();
  }

  #sessionWelcome(stored: number): void {
    // An adopted container's wrapper goes on from there.
    this.#items ??= new RelayBuffer(stored);
    this.#session = 'live';
    this.#stored(stored);
    if (this.#items.empty) this.#data.healthy();
    this.#resend(stored + 1);
    // The wrapper may have taken one since `hello` was sent.
    this.#sayTaken();
    this.#welcomeWrapper();
  }

  #stored(stored: number): void {
    const items = this.#items;
    if (items === undefined) return;
    const before = items.stored;
    if (!items.acknowledge(stored)) return this.#refuse('lost_items');
    // Only what got somewhere counts: a session that chokes on a frame would be dialled in a tight loop.
    if (items.stored > before) this.#data.healthy();
    if (items.stored > before && this.#wrapper === 'welcomed') this.#toWrapper({ kind: 'ack', stored });
    this.#settle();
  }

  #noticesStored(stored: number): void {
    if (!this.#notices.acknowledge(stored)) return this.#refuse('lost_items');
    this.#sendNotices();
    this.#settle();
  }

  #sendNotices(): void {
    if (this.#session !== 'live') return;
    for (let frame = this.#notices.take(); frame !== undefined; frame = this.#notices.take())
      this.#toSession(JSON.stringify(frame));
  }

  #resend(from: number): void {
    const frames = this.#items?.from(from);
    // It acknowledged these once, so nobody keeps them any more. Going on would leave a hole.
    if (frames === undefined) return this.#refuse('lost_items');
    for (const text of frames) this.#toSession(text);
  }

  #toSession(text: string): void {
    if (this.#session === 'live') this.#data.send(text);
  }

  #toWrapper(frame: SessionFrame): void {
    this.#link?.send(JSON.stringify(frame));
  }

  /** Neither side is read faster than the other takes. A dead container's rest is read in any case: it is bounded. */
  #regulate(): void {
    const full = (this.#items?.size ?? 0) > HOLD_LIMIT || this.#data.waiting > SEND_LIMIT;
    if (full && !this.#containerGone && !this.#refused) this.#link?.pause();
    else this.#link?.resume();
    if ((this.#link?.waiting ?? 0) > SEND_LIMIT) this.#data.pause();
    else this.#data.resume();
  }

  #refuse(why: Refusal | 'lost_items'): void {
    if (this.#refused) return;
    this.#refused = true;
    this.#session = 'down';
    if (why === 'lost_items') this.#options.log.error('the session and this relay disagree on what is stored', {});
    this.#data.close();
    this.#regulate();
    this.#settle();
    this.#options.onRefused(why);
  }

  #settle(): void {
    if (!this.#containerGone || this.#link?.connected === true) return;
    if (!this.#refused && this.#items?.empty === false) return;
    // Before a first `hello` the session does not listen, and there was nothing to tell of.
    if (!this.#refused && this.#known && !this.#notices.empty) return;
    this.#data.close();
    this.#settled?.();
  }
}

function parseFrame(text: string): SessionFrame | undefined {
  try {
    return sessionFrame.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
