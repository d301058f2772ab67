import type { Quiet } from '../lib/quiet.ts';
import { keepOpen, runOnce, type RawClaude, type RawOptions } from '../raw/raw-claude.ts';
import { INSTANT } from '../lib/script.ts';
import type { Service } from '../lib/service.ts';
import { newSession, type StackSession } from '../lib/stack-session.ts';

/**
 * Turns of a session after its first; each is asked of every contender before the next one is. So many, because the time of
 * a single turn swings by a third from one to the next, by hand too, and it is a tenth that is looked for.
 */
const SOCKET_TURNS = 6;
const HTTP_TURNS = 2;

export interface Contenders {
  raw: RawOptions;
  services: ReadonlyMap<'process' | 'docker', Service>;
}

export const CONTENDERS = ['raw', 'process', 'docker'] as const;
export type Contender = (typeof CONTENDERS)[number];

/** Milliseconds, each list in the order of the rounds, so that the same index is the same moment. */
export interface Samples {
  /** `claude -p PROMPT`, from its start to its result. */
  once: number[];
  /** A new session to its first result; `raw`: a `claude` that is kept open. */
  first: Record<Contender, number[]>;
  /** The message after that, over the WebSocket. */
  second: Record<Contender, number[]>;
  /** That one and those after it, over the WebSocket. */
  turns: Record<Contender, number[]>;
  /** Still later ones, by `POST …/chat` that waits. */
  httpTurns: Record<Contender, number[]>;
}

export function noSamples(): Samples {
  return { once: [], first: none(), second: none(), turns: none(), httpTurns: none() };
}

const none = (): Record<Contender, number[]> => ({ raw: [], process: [], docker: [] });

/**
 * One round: each contender starts anew, then they take turns, one at a time, and all end. Who begins changes from round to
 * round, so that nobody always measures the machine in the same state.
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
      const took = await ask(session, overHttp);
      if (turn === 0) samples.second[name].push(took);
      (overHttp ? samples.httpTurns : samples.turns)[name].push(took);
    }
  }
  for (const { session } of open) await session.end();
}

function ask(session: RawClaude | StackSession, overHttp: boolean): Promise<number> {
  if ('ask' in session) return session.ask(INSTANT);
  return overHttp ? session.askOverHttp(INSTANT) : session.askOverSocket(INSTANT);
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
