import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import * as z from 'zod';
import type { Seen } from './person.ts';
import { descriptorLimit, PARTS, readProcesses, sortProcesses, usageOf, type Part } from './processes.ts';

/** All processes of a part together. */
interface PartUsage {
  readonly processes: number;
  readonly rssMb: number;
  readonly pssMb: number;
  /** Of the process that has most, and the most that it may have. */
  readonly descriptors: number;
  readonly descriptorLimit: number;
  readonly cpuSeconds: number;
}

/** One look at the host. */
export interface Look {
  /** Seconds since the day began. */
  readonly at: number;
  readonly parts: Readonly<Record<Part, PartUsage>>;
  readonly live: number;
  readonly parked: number;
  /** Sessions that wait for a place. */
  readonly waiting: number;
  readonly created: number;
  readonly completed: number;
  readonly errors: number;
  /** Alarms that have fired so far, by object. */
  readonly alarms: Readonly<Record<string, number>>;
  /** Processes of the whole machine, and of its memory what can still be had, MB. */
  readonly processes: number;
  readonly availableMb: number;
  /** Processor time of all that this machine has done, others' work included. */
  readonly busyMs: number;
}

export interface Watched {
  readonly docker: Docker;
  /** Of the engine, where it was started here. */
  readonly engineFolder: string | undefined;
  readonly edgeUrl: string;
  /** For `/metrics`. */
  readonly adminToken: string;
  readonly seen: Seen;
}

const alarms = z.record(z.string(), z.number());

/** Looks once. @param began by `performance.now()` */
export async function look({ docker, engineFolder, edgeUrl, adminToken, seen }: Watched, began: number): Promise<Look> {
  const at = (performance.now() - began) / 1000;
  const running = await docker.listContainers({ filters: { label: ['cc-docker.session'] } });
  const containers = new Set(running.map(({ Id }) => Id));
  const all = await readProcesses();
  const sorted = sortProcesses(all, process.pid, { folder: engineFolder, containers });
  const parts = Object.fromEntries(
    await Promise.all(PARTS.map(async (part) => [part, await sum(sorted[part])] as const)),
  ) as Record<Part, PartUsage>;
  const [answer, metrics, memory] = await Promise.all([
    fetch(`${edgeUrl}/-/alarms`).then((response) => response.json()),
    fetch(`${edgeUrl}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } }).then((response) =>
      response.text(),
    ),
    readFile('/proc/meminfo', 'utf8'),
  ]);
  return {
    at,
    parts,
    live: containers.size,
    parked: gaugeOf(metrics, 'cc_docker_sessions{state="stopped"}'),
    waiting: gaugeOf(metrics, 'cc_docker_sessions_waiting'),
    created: seen.created,
    completed: seen.completed,
    errors: [...seen.errors.values()].reduce((a, b) => a + b, 0),
    alarms: alarms.parse(answer),
    processes: all.length,
    availableMb: Math.round(Number(/^MemAvailable:\s+(\d+)/m.exec(memory)?.[1]) / 1024),
    busyMs: busyMs(),
  };
}

const busyMs = (): number =>
  cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);

/** The value of a gauge in Prometheus' text. */
function gaugeOf(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}

async function sum(pids: readonly number[]): Promise<PartUsage> {
  const all = await Promise.all(pids.map(async (pid) => [await usageOf(pid), await descriptorLimit(pid)] as const));
  let [rss, pss, cpu, most, limit] = [0, 0, 0, 0, Number.POSITIVE_INFINITY];
  for (const [usage, least] of all) {
    if (usage === null || least === null) continue;
    rss += usage.rssKb;
    pss += usage.pssKb;
    cpu += usage.cpuMs;
    if (usage.descriptors > most) [most, limit] = [usage.descriptors, least];
  }
  return {
    processes: all.length,
    rssMb: rss / 1024,
    pssMb: pss / 1024,
    descriptors: most,
    descriptorLimit: limit,
    cpuSeconds: cpu / 1000,
  };
}

/** What the data folder holds, KB on the disk, and of how many sessions. */
export interface Disk {
  readonly sessions: number;
  /** The runner's folder of sessions, its stored snapshots, and the sessions' databases. */
  readonly runnerKb: number;
  readonly snapshotsKb: number;
  readonly edgeKb: number;
}

export async function readDisk(dataFolder: string): Promise<Disk> {
  const runner = path.join(dataFolder, 'runner');
  const sessions = path.join(runner, 'sessions');
  const [names, runnerKb, snapshotsKb, edgeKb] = await Promise.all([
    readdir(sessions),
    kb(sessions),
    kb(path.join(runner, 'storage')),
    kb(path.join(dataFolder, 'edge', 'do', 'cc-docker-Session')),
  ]);
  return { sessions: names.length, runnerKb, snapshotsKb, edgeKb };
}

async function kb(folder: string): Promise<number> {
  await stat(folder);
  const { stdout } = await promisify(execFile)('du', ['-sk', folder]);
  return Number(stdout.split('\t')[0]);
}
