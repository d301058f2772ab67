import { quantile, type Measures, type Wait } from './measures.ts';
import { FLOOD, type World } from './world.ts';

/** What Cloudflare says that one object takes: about this many requests a second (docs, "Limits": a soft limit). */
const CALLS_OF_ONE_OBJECT = 1000;

const sumOf = (all: Iterable<number>) => [...all].reduce((a, b) => a + b, 0);

function waitsOf(waits: readonly Wait[]) {
  const ms = waits.map((wait) => wait.ms).toSorted((a, b) => a - b);
  return { count: ms.length, p50: quantile(ms, 0.5), p99: quantile(ms, 0.99), longest: ms.at(-1) ?? 0 };
}

/** By second: the average of the whole day, and the second with the most. */
function load(bySecond: ReadonlyMap<number, number>, seconds: number) {
  const sorted = [...bySecond.values()].toSorted((a, b) => a - b);
  return { average: sumOf(sorted) / seconds, peak: sorted.at(-1) ?? 0 };
}

const s = (ms: number) => (ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** The figures of a day, and the same in words. @param took real seconds */
export function report(world: World, measures: Measures, took: number) {
  const { scenario, network } = world;
  const { waits } = measures;
  const waited = waits.filter(({ ms }) => ms > 0);
  const rush = waits.filter(({ owner, ms }) => owner !== FLOOD && ms > 0);
  const seconds = scenario.day / 1000;
  const calls = load(measures.calls, seconds);
  const rows = load(measures.written, seconds);
  const thought = load(measures.thought, seconds);
  const fairness = measures.fairness.toSorted((a, b) => a - b);
  const figures = {
    waits: { all: waitsOf(waits), waited: waitsOf(waited), others: waitsOf(rush) },
    flood: waitsOf(waits.filter(({ owner }) => owner === FLOOD)),
    fairness: { p50: quantile(fairness, 0.5), worst: fairness[0] ?? 1, minutes: fairness.length },
    pool: { calls, rows, thoughtMs: thought, longestThoughtMs: measures.longestThought },
    queue: measures.longestQueue,
    decisions: measures.decisions,
    messages: { completed: measures.completed, failed: measures.failed },
    network: { calls: network.calls, lost: network.losses },
    sessionInputs: measures.sessionInputs,
    wrong: measures.wrong,
    took,
  };
  const row = (what: string, of: ReturnType<typeof waitsOf>) =>
    `  ${what.padEnd(34)} ${String(of.count).padStart(7)}   p50 ${s(of.p50).padStart(9)}   p99 ${s(of.p99).padStart(9)}   longest ${s(of.longest).padStart(9)}`;
  const times = CALLS_OF_ONE_OBJECT / calls.peak;
  const cpu = 1000 / thought.peak;
  const text = [
    `${scenario.sessions} sessions of ${scenario.owners} owners on ${scenario.runners} runners of ${scenario.places} places, seed ${scenario.seed}; ${took.toFixed(0)} s`,
    `${network.calls} calls between objects, ${network.losses} of them lost; ${measures.sessionInputs} inputs of session machines`,
    `messages: ${measures.completed} completed, ${measures.failed} failed (their runner was lost)`,
    '',
    'waits for a place',
    row('all', figures.waits.all),
    row('those that had to wait', figures.waits.waited),
    row(`${scenario.flood} of one owner in a minute`, figures.flood),
    row('others that had to wait', figures.waits.others),
    `  the longest queue: ${measures.longestQueue}`,
    '',
    `fairness (Jain's index of what waiting owners have, in ${fairness.length} minutes with a queue)`,
    `  p50 ${figures.fairness.p50.toFixed(2)}   worst ${figures.fairness.worst.toFixed(2)}`,
    '',
    "the pool's object",
    `  calls, in and out   ${calls.average.toFixed(1)} a second, at most ${calls.peak}`,
    `  rows written        ${rows.average.toFixed(1)} a second, at most ${rows.peak}`,
    `  deciding            ${thought.average.toFixed(2)} ms a second, at most ${thought.peak.toFixed(0)}; one decision at most ${measures.longestThought.toFixed(1)} ms, of ${measures.decisions}`,
    `  the first limit     ${times < cpu ? `calls: ${times.toFixed(1)} times this peak is ${CALLS_OF_ONE_OBJECT} a second` : `time: ${cpu.toFixed(1)} times this peak is a whole second a second`}`,
    '',
    measures.wrong.length === 0 ? 'nothing lost, nothing twice' : `WRONG: ${measures.wrong.slice(0, 20).join('; ')}`,
  ].join('\n');
  return { figures, text };
}
