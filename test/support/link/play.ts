import { expect } from 'vitest';
import type { RunnerNoticeFrame } from '../../../protocol/link/runner-notice.ts';
import type { SessionFrame, WrapperCommand } from '../../../protocol/link/wrapper/wrapper-link.ts';
import type { WrapperFrame } from '../../../protocol/link/wrapper/wrapper-notice.ts';
import type { CaseFrame, LinkCase, Side, Step } from './case.ts';
import { allSteps, isOnDataSocket, kindOf, LAST_WORD, RUNNERS_OWN, saidIn } from './cases.ts';
import type { ContainerEnd, SessionEnd } from './ends.ts';
import { linesOf, wireText } from './on-the-wire.ts';
import type { Wire } from './wire.ts';

type Frame = WrapperFrame | RunnerNoticeFrame | SessionFrame;
type Items = Extract<Frame, { kind: 'items' }>;

/** How long an end may take for a step, milliseconds. Only a failing test waits so long. */
const PATIENCE_MS = 10_000;
const GOING_AWAY = 1001;
const MESSAGE_ID = '0190a0a0-0000-7000-8000-00000000000a';

/** Plays a case to an end. Throws when the end does not do what the case says. */
export async function play(one: LinkCase, end: ContainerEnd | SessionEnd): Promise<void> {
  const player = new Player(one, end);
  for (const [at, step] of allSteps(one).entries()) {
    try {
      if (await within(player.play(step))) continue;
      await player.check(false);
      return;
    } catch (error) {
      throw new Error(`step ${at + 1}: ${JSON.stringify(step)}`, { cause: error });
    }
  }
  await player.check(true);
}

class Player {
  readonly #case: LinkCase;
  readonly #end: ContainerEnd | SessionEnd;
  /** Kinds of the data socket that the case does not look at. */
  readonly #ignored: ReadonlySet<string>;
  readonly #orders: WrapperCommand[] = [];
  #wire: Wire | null = null;
  /** Items that came in one frame with those before them, and that no step has named yet. */
  #ahead: Items | null = null;
  /** What the session side has confirmed, and what the container side has reported, by the steps so far. */
  #stored = 0;
  #taken = 0;

  constructor(one: LinkCase, end: ContainerEnd | SessionEnd) {
    this.#case = one;
    this.#end = end;
    const kinds = one.steps.map(kindOf);
    const ignored = RUNNERS_OWN.filter((kind) => isOnDataSocket(end.name) && !kinds.includes(kind));
    this.#ignored = new Set(ignored);
  }

  /** False: at this end, the case is over. */
  async play(step: Step): Promise<boolean> {
    if ('container' in step) await this.#frame('container', step.container, step.lost);
    else if ('session' in step) await this.#frame('session', step.session, step.lost);
    else if ('breaks' in step) await this.#close(GOING_AWAY);
    else if ('restarts' in step) {
      await this.#close(GOING_AWAY);
      if (this.#end.side === 'session') await this.#end.restart();
    } else if ('replaces' in step) await this.#replace();
    else if ('refuses' in step) return await this.#refusal(step);
    else if (this.#end.side === 'container') await this.#atContainer(this.#end, step);
    else await this.#atSession(this.#end, step);
    return true;
  }

  /** What is true at the end of every case. @param whole the last word was said too */
  async check(whole: boolean): Promise<void> {
    const end = this.#end;
    if (end.side === 'container') {
      expect(end.given).toEqual(this.#orders.slice(0, end.given.length));
      return;
    }
    const { steps, stored, shown } = this.#case;
    const last = whole ? [LAST_WORD] : [];
    const said = saidIn(steps).filter((one) => typeof one === 'string');
    expect(await end.stored()).toEqual([...(stored ?? said), ...last]);
    expect(await end.storedNotices()).toEqual(steps.flatMap((step) => ('notices' in step ? [step.notices] : [])));
    if (shown !== undefined) expect(await within(end.shown(LAST_WORD))).toEqual([...shown, ...last]);
  }

  async #atContainer(end: ContainerEnd, step: Step): Promise<void> {
    if ('says' in step) await end.says(linesOf(saidIn([step])));
    else if ('hands_on' in step) await end.handOn(step.hands_on);
    else if ('goes_on' in step) await end.wentOn();
    else if ('notices' in step) await end.notices(step.notices);
    else if ('orders' in step) {
      const command = step.orders;
      const prompt = `prompt ${this.#orders.length + 1}`;
      this.#orders.push(
        command === 'prompt' ? { command, message_id: MESSAGE_ID, prompt } : { command, message_id: MESSAGE_ID },
      );
    }
  }

  async #atSession(end: SessionEnd, step: Step): Promise<void> {
    if ('orders' in step) this.#orders.push(await end.orders(step.orders));
    else if ('lets_go' in step) await end.letsGo();
    else if ('next_epoch' in step) await end.nextEpoch();
  }

  async #frame(from: Side, frame: CaseFrame, lost = false): Promise<void> {
    if (from === this.#end.side) await this.#expect(frame);
    else if (!lost) (await this.#connected(from)).send(wireText(frame, this.#orders));
    if (!('kind' in frame)) return;
    if (frame.kind === 'welcome' || frame.kind === 'ack') this.#stored = frame.stored;
    else if (frame.kind === 'hello') this.#taken = frame.taken;
    else if (frame.kind === 'taken') this.#taken = frame.command;
  }

  async #connected(from: Side): Promise<Wire> {
    if (this.#wire === null && from === 'session') throw new Error('the case has no connection here');
    this.#wire ??= await this.#end.connect();
    return this.#wire;
  }

  async #expect(frame: CaseFrame): Promise<void> {
    const wire = await this.#connected(this.#end.side);
    let wanted: Frame = JSON.parse(wireText(frame, this.#orders));
    for (;;) {
      const got = this.#ahead ?? (await this.#next(wire, wanted));
      this.#ahead = null;
      if (got === null) throw new Error('the connection has ended');
      if (got.kind !== 'items' || wanted.kind !== 'items')
        return expect(withoutVersion(got)).toEqual(withoutVersion(wanted));
      const together = Math.min(got.items.length, wanted.items.length);
      expect(first(got, together)).toEqual(first(wanted, together));
      this.#ahead = after(got, together);
      const missing = after(wanted, together);
      if (missing === null) return;
      wanted = missing;
    }
  }

  /** The next frame that means something. Null: the connection has ended. */
  async #next(wire: Wire, wanted: Frame | null): Promise<Frame | null> {
    for (;;) {
      const line = await wire.next();
      if (line === null) return null;
      const frame: Frame = JSON.parse(line);
      if (this.#ignored.has(frame.kind)) continue;
      // Lower ones than the one that is wanted, and the last one again.
      if (frame.kind === 'ack' && frame.stored < (wanted?.kind === 'ack' ? wanted.stored : this.#stored + 1)) continue;
      if (frame.kind === 'taken' && frame.command < (wanted?.kind === 'taken' ? wanted.command : this.#taken + 1))
        continue;
      return frame;
    }
  }

  /** The connection ends, and the end has sent nothing that the case does not name. */
  async #ended(wire: Wire): Promise<void> {
    expect(this.#ahead ?? (await this.#next(wire, null))).toBeNull();
  }

  async #close(code: number): Promise<void> {
    const wire = this.#wire;
    this.#wire = null;
    if (wire === null) throw new Error('the case has no connection here');
    wire.close(code);
    await this.#ended(wire);
  }

  async #replace(): Promise<void> {
    // A container side connects anew only when it knows that the old connection is gone.
    if (this.#end.side === 'container') return this.#close(GOING_AWAY);
    const old = await this.#connected('container');
    this.#wire = await this.#end.connect();
    await this.#ended(old);
  }

  async #refusal({ refuses, code, for_good }: Extract<Step, { refuses: Side }>): Promise<boolean> {
    const wire = await this.#connected(this.#end.side);
    if (refuses !== this.#end.side) await this.#close(code ?? GOING_AWAY);
    else {
      await this.#ended(wire);
      this.#wire = null;
      // A unix socket has no codes.
      if (code !== undefined && wire.code !== 0) expect(wire.code).toBe(code);
    }
    if (for_good?.[this.#end.name] === undefined) return true;
    if (this.#end.side === 'container') await this.#end.gaveUp();
    return false;
  }
}

const first = (frame: Items, count: number): Items => ({ ...frame, items: frame.items.slice(0, count) });

/** The frame without its first `count` items. Null: it has no others. */
function after(frame: Items, count: number): Items | null {
  if (frame.items.length === count) return null;
  return { ...frame, first: frame.first + count, items: frame.items.slice(count) };
}

async function within<T>(result: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('nothing came')), PATIENCE_MS);
  try {
    return await Promise.race([result, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What an end says of its protocol's version is not in the cases: they hold for every version. */
function withoutVersion(frame: Frame): object {
  const { protocol: _, ...rest } = { protocol: undefined, ...frame };
  return rest;
}
