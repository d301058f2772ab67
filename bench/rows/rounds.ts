import type { Quiet } from '../lib/quiet.ts';
import { keepOpen, runOnce, type RawClaude, type RawOptions } from '../raw/raw-claude.ts';
import { INSTANT } from '../lib/script.ts';
import type { Service } from '../lib/service.ts';
import { newSession, type StackSession } from '../lib/stack-session.ts';

/**
 * Turns of a session after its first. Every contender runs a turn before the next turn begins. The number is large because
 * a single turn's time varies by a third, even by hand, and the goal is to see a difference of a tenth.
 */
const SOCKET_TURNS = 6;
const HTTP_TURNS = 2;

export interface Contenders {
  raw: RawOptions;
  services: ReadonlyMap<'process' | 'docker', Service>;
}

export const CONTENDERS = ['raw', 'process', 'docker'] as const;
export type Contender = (typeof CONTENDERS)[number];

/** Milliseconds. Each list is in the order of the rounds: the same index means the same time. */
export interface Samples {
  /** `claude -p PROMPT`, from its start to its result. */
  once: number[];
  /** From a new session to its first result; `raw`: of a `claude` that is kept open. */
  first: Record<Contender, number[]>;
  /** The second message, over the WebSocket. */
  second: Record<Contender, number[]>;
  /** The second message and those after it, over the WebSocket. */
  turns: Record<Contender, number[]>;
  /** Later messages, by a `POST …/chat` that waits. */
  httpTurns: Record<Contender, number[]>;
}

export function noSamples(): Samples {
  return { once: [], first: none(), second: none(), turns: none(), httpTurns: none() };
}

const none = (): Record<Contender, number[]> => ({ raw: [], process: [], docker: [] });

/**
 * One round: each contender starts a new session, then they run their turns one at a time, and all end. Who begins changes
 * from round to round, so that no contender always finds the machine in the same state.
 */
export async function measureRound(
  { raw, services }: Contenders,
  round: number,
  samples: Samples,
  quiet: Quiet,
  signal: AbortSignal,
): Promise<void> {
  const open: { name: Contender; session: RawClaude | StackSession }[] = [];
  const starts: (() => Promise<void>)[] = [
    async () => {
      samples.once.push(await runOnce(raw, INSTANT));
    },
    ...[...services].map(([name, service]) => async () => {
      open.push({ name, session: await newSession(service, INSTANT) });
    }),
    async () => {
      open.push({ name: 'raw', session: await keepOpen(raw, INSTANT) });
    },
  ];
  for (const start of rotated(starts, round)) {
    await quiet.wait(signal);
    await start();
  }
  for (const { name, session } of open) samples.first[name].push(session.firstResultMs);

  for (let turn = 0; turn < SOCKET_TURNS + HTTP_TURNS; turn += 1) {
    const overHttp = turn >= SOCKET_TURNS;
    for (const { name, session } of rotated(open, round + turn)) {
      await quiet.wait(signal);
      const took = await chat(session, overHttp);
      if (turn === 0) samples.second[name].push(took);
      (overHttp ? samples.httpTurns : samples.turns)[name].push(took);
    }
  }
  for (const { session } of open) await session.end();
}

function chat(session: RawClaude | StackSession, overHttp: boolean): Promise<number> {
  if ('chat' in session) return session.chat(INSTANT);
  return overHttp ? session.chatOverHttp(INSTANT) : session.chatOverSocket(INSTANT);
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
