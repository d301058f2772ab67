import { once } from 'node:events';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isRefused, type Refused } from '../../start/lib/refused.ts';
import type { TestEngine } from '../../test/support/docker/engine.ts';
import type { Client } from '../../test/support/e2e/client.ts';
import { quantile } from '../lib/statistics.ts';
import { planDay, planSoak, type PlannedSession } from './day.ts';
import { busiestMinute, limitsOf, type Host } from './limits.ts';
import { look, readDisk, type Look } from './monitor.ts';
import type { HostOptions } from './options.ts';
import { act, readWaits, Seen } from './person.ts';
import type { Part } from './processes.ts';
import { dayReport, limitsReport, LOOK_HEAD, lookLine, partsReport, peakOf, soakReport } from './report.ts';
import { setStage, type Stage } from './stage.ts';

/** A session is parked after so many seconds without work: in a day that is pressed into minutes, and in a soak. */
const IDLE_SECONDS = { day: 12, soak: 240 };
/** Logs that are read at once, at the end. */
const AT_ONCE = 8;
const OWNERS = 20;
/** What may have to be waited for after the day: the last turns, and that the last sessions are parked. Seconds. */
const AFTERWARDS = 600;

export interface HostRun {
  readonly isGood: boolean;
  /** For other tools: what `bench` and docs/scale.md show. */
  readonly figures: object;
}

/** Runs a day, or a soak, and says each minute how the host is. */
export async function runHost(
  options: HostOptions,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<HostRun | Refused> {
  const scratch = await mkdtemp(path.join('/var/tmp', 'ccdh-'));
  const ends: (() => Promise<unknown>)[] = [() => rm(scratch, { recursive: true, force: true })];
  try {
    const stage = await setStage(options, scratch, signal, say, (end) => void ends.unshift(end));
    if (isRefused(stage)) return stage;
    say(
      `${options.places} places, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB; seed ${options.seed}`,
    );
    return await run(options, stage, signal, say);
  } catch (error) {
    if (!signal.aborted) throw error;
    return { refused: 'it was ended by a signal' };
  } finally {
    for (const end of ends) await end();
  }
}

async function run(
  options: HostOptions,
  { service, engine }: Stage,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<HostRun> {
  const seen = new Seen();
  const aborted = once(signal, 'abort');
  const seconds = (options.soak ?? options.minutes) * 60;
  const plans = planOf(options, seconds);
  const clients = new Map<string, Client>();
  for (const owner of new Set(plans.map((plan) => plan.owner))) clients.set(owner, await service.client(owner, {}));
  const clientOf = ({ owner }: PlannedSession): Client => {
    const client = clients.get(owner);
    if (client === undefined) throw new Error(`no client for ${owner}`);
    return client;
  };
  const watched = {
    docker: engine.docker,
    engineFolder: folderOf(engine),
    edgeUrl: service.url,
    adminToken: await service.token('admin', { scope: 'admin' }),
    seen,
  };
  const cores = cpus().length;
  const looks: Look[] = [await look(watched, performance.now())];
  const lookNow = async () => void looks.push(await look(watched, performance.now()));
  const rush =
    options.soak === null ? await startAtOnce(options.places, await service.client('rush'), lookNow, say) : null;
  const began = performance.now();
  say(LOOK_HEAD);
  const told = new Set<string>();
  let [haveGone, hasLooked] = [false, false];
  const seeing = (async () => {
    while (!signal.aborted) {
      const next = await look(watched, began);
      say(lookLine(next, hasLooked ? looks.at(-1) : undefined, cores));
      hasLooked = true;
      for (const what of seen.errors.keys()) if (!told.has(what)) say(`ERROR: ${what}`);
      for (const what of seen.errors.keys()) told.add(what);
      looks.push(next);
      if (next.at > seconds + AFTERWARDS) return;
      if (haveGone && next.live === 0) return;
      // After the day, all that is left to see is when the last container goes.
      const every = haveGone ? LOOK_SECONDS / 6 : LOOK_SECONDS;
      const until = Math.ceil((next.at + 1) / every) * every;
      await Promise.race([delay(Math.max(1, until * 1000 - (performance.now() - began))), aborted]);
    }
  })();
  const ids = await Promise.all(
    plans.map(async (plan) => {
      try {
        return await act({
          client: clientOf(plan),
          plan,
          began,
          idleSeconds: IDLE_SECONDS[options.soak === null ? 'day' : 'soak'],
          seen,
          signal,
        });
      } catch (error) {
        if (!signal.aborted) seen.fail(`a person: ${inWords(error)}`);
        return null;
      }
    }),
  );
  haveGone = true;
  await seeing;
  signal.throwIfAborted();
  const made = ids.flatMap((id, n) => (id === null ? [] : [{ id, plan: plans[n] }]));
  await inParts(made, async ({ id, plan }) => {
    if (plan !== undefined) await readWaits(clientOf(plan), id, seen);
  });
  const disk = await readDisk(service.folder);
  say(dayReport(seen, disk, looks));
  if (seen.errors.size > 0)
    say(`What the edge has logged, its last lines:\n${service.edgeLog.trim().split('\n').slice(-20).join('\n')}`);
  const peak = peakOf(looks);
  if (peak === undefined) throw new Error('nobody has looked');
  say(partsReport(peak));
  const left = looks.at(-1);
  const soak = options.soak === null ? null : soakReport(looks);
  const host = await hostOf(options, looks, peak, rush, disk, service.folder, seen.asked);
  const limits = host === null ? [] : limitsOf(host);
  say(soak === null ? limitsReport(limits) : soak.text);
  const isGood = seen.errors.size === 0 && seen.completed === seen.sent && left?.live === 0 && (soak?.isFlat ?? true);
  const waits = { place: waitFigures(seen.queue), ready: waitFigures(seen.ready), turn: waitFigures(seen.over) };
  const errors = Object.fromEntries(seen.errors);
  const { created, sent, completed } = seen;
  return {
    isGood,
    figures: {
      date: new Date().toISOString(),
      options,
      created,
      sent,
      completed,
      errors,
      waits,
      disk,
      host,
      limits,
      looks,
    },
  };
}

/** `fetch failed` alone says nothing. */
function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${inWords(error.cause)})`;
}

/** Between two looks, seconds. */
const LOOK_SECONDS = 60;

/** Of an engine that was started here: it tells its processes from those of other engines of this machine. */
function folderOf({ host }: TestEngine): string | undefined {
  return host === undefined || host === process.env['DOCKER_HOST']
    ? undefined
    : path.dirname(host.slice('unix://'.length));
}

const waitFigures = (values: readonly number[]) => ({
  n: values.length,
  p50: quantile(values, 0.5),
  p99: quantile(values, 0.99),
});

function planOf(options: HostOptions, seconds: number): PlannedSession[] {
  const { seed, sessions, places } = options;
  if (options.soak !== null)
    return planSoak({
      seed,
      seconds,
      sessions: places,
      owners: OWNERS,
      think: 30,
      messages: 12,
      away: 1.5 * IDLE_SECONDS.soak,
    });
  const day = {
    seed,
    seconds,
    sessions,
    owners: OWNERS,
    messages: 2,
    think: 3,
    turn: 1.5,
    previews: 10,
    again: 0.25,
    watched: 0.3,
  };
  return planDay({ ...day, away: seconds / 4 });
}

/**
 * As many sessions as there are places, at once: how fast containers start when nothing else is to be done. Then all are asked once
 * more, and the host is looked at with all of them.
 *
 * @returns containers a second
 */
async function startAtOnce(
  places: number,
  client: Client,
  lookNow: () => Promise<void>,
  say: (line: string) => void,
): Promise<number> {
  const begun = performance.now();
  const ids = await Promise.all(
    Array.from({ length: places }, () => client.createSession({ idle_timeout_seconds: 3600 })),
  );
  await askAll(client, ids);
  const took = (performance.now() - begun) / 1000;
  const asked = performance.now();
  await askAll(client, ids);
  const again = (performance.now() - asked) / 1000;
  say(
    `${places} sessions at once have all answered after ${took.toFixed(1)} s: ${(places / took).toFixed(2)} containers a second; ` +
      `asked again, all at once, after ${again.toFixed(1)} s`,
  );
  await lookNow();
  await inParts(ids, (id) => client.call('DELETE', `/sessions/${id}`));
  return places / took;
}

/** @throws when one does not answer */
async function askAll(client: Client, ids: readonly string[]): Promise<void> {
  const answers = await Promise.all(ids.map((id) => client.ask(id, 'hello')));
  const failed = answers.find(({ status }) => status !== 'completed');
  if (failed !== undefined) throw new Error(`a session did not answer: ${JSON.stringify(failed)}`);
}

/** The facts that limits come from; null: no session was live, or it was a soak. */
async function hostOf(
  options: HostOptions,
  looks: readonly Look[],
  peak: Look,
  starts: number | null,
  disk: { sessions: number; runnerKb: number; snapshotsKb: number; edgeKb: number },
  folder: string,
  asked: readonly number[],
): Promise<Host | null> {
  const [first] = looks;
  if (starts === null || first === undefined || peak.live === 0) return null;
  const base = (['edge', 'runner', 'dockerd', 'containerd'] as const satisfies readonly Part[]).map((part) => ({
    part,
    mb: peak.parts[part].pssMb,
    before: first.parts[part].descriptors,
    most: peak.parts[part].descriptors,
    limit: peak.parts[part].descriptorLimit,
  }));
  const [tightest] = base.toSorted((a, b) => b.most / b.limit - a.most / a.limit);
  if (tightest === undefined) return null;
  const { bavail, bsize } = await statfs(folder);
  return {
    cores: cpus().length,
    memoryMb: totalmem() / 2 ** 20,
    places: options.places,
    live: peak.live,
    parked: looks.at(-1)?.parked ?? 0,
    baseMb: base.reduce((sum, { mb }) => sum + mb, 0),
    perLiveMb: (peak.parts.wrappers.pssMb + peak.parts.shims.pssMb + peak.parts.inits.pssMb) / peak.live,
    descriptors: { process: tightest.part, before: tightest.before, most: tightest.most, limit: tightest.limit },
    starts: { most: starts, wanted: busiestMinute(asked) / 60 },
    diskKb: (disk.runnerKb + disk.snapshotsKb + disk.edgeKb) / Math.max(1, disk.sessions),
    diskFreeKb: (bavail * bsize) / 1024,
  };
}

/** Does something for each, some at once. */
async function inParts<T>(all: readonly T[], todo: (one: T) => Promise<unknown>): Promise<void> {
  const rest = [...all];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let one = rest.shift(); one !== undefined; one = rest.shift()) await todo(one);
    }),
  );
}
