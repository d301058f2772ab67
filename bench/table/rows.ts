import type { Part } from '../parts.ts';

/** A row of the tables in docs/performance.md, and its goal. */
export interface BenchRow {
  readonly id: string;
  /** What measures it: `npm run bench -- --only PART`. */
  readonly part: Part;
  readonly what: string;
  /** `''`: a bare number. */
  readonly unit: '×' | 'ms' | 'KB' | 'MB' | '/s' | '';
  /** Null: none was set. */
  readonly goal: { readonly most: number } | { readonly least: number } | null;
}

/** Rows with a goal of the project, in the order in which they are shown. */
export const MAIN_ROWS = [
  {
    id: 'new.process',
    part: 'process',
    what: 'new session → first result, process backend, against `claude -p`',
    unit: '×',
    goal: { most: 1.15 },
  },
  { id: 'new.docker', part: 'docker', what: 'the same, docker backend', unit: '×', goal: { most: 1.35 } },
  { id: 'warm.process', part: 'warm', what: 'from a warm spare, process backend', unit: '×', goal: { most: 0.5 } },
  { id: 'warm.docker', part: 'warm', what: 'from a warm spare, docker backend', unit: '×', goal: { most: 0.5 } },
  {
    id: 'second.process',
    part: 'process',
    what: 'second turn, process backend, against the same by hand',
    unit: '×',
    goal: { most: 1.05 },
  },
  { id: 'second.docker', part: 'docker', what: 'the same, docker backend', unit: '×', goal: { most: 1.05 } },
  {
    id: 'memory.service',
    part: 'memory',
    what: 'memory of the service at its first start, RSS',
    unit: 'MB',
    goal: { most: 300 },
  },
  {
    id: 'memory.session.rss',
    part: 'memory',
    what: 'memory of a session over `claude`’s own, RSS',
    unit: 'MB',
    goal: { most: 40 },
  },
  { id: 'memory.session.pss', part: 'memory', what: 'the same, PSS', unit: 'MB', goal: { most: 15 } },
  {
    id: 'preview.cpu',
    part: 'preview',
    what: 'processor time of a streamed preview, all parts',
    unit: 'ms',
    goal: { most: 0.4 },
  },
  {
    id: 'get.fastapi',
    part: 'get',
    what: '`GET` of a session with a JWT, against FastAPI + Redis',
    unit: '×',
    goal: { least: 2.8 },
  },
  {
    id: 'create.waiting.cpu',
    part: 'create',
    what: '`POST /sessions` with 25 sessions waiting, against the first: processor time of the edge',
    unit: '×',
    goal: { most: 1.1 },
  },
  { id: 'create.waiting', part: 'create', what: 'the same, until it is answered', unit: '×', goal: { most: 1.1 } },
  {
    id: 'log.millionth',
    part: 'log',
    what: 'the millionth event of a log, against the first',
    unit: '×',
    goal: { most: 1.1 },
  },
  { id: 'log.replay', part: 'log', what: 'replay of 100,000 events', unit: '/s', goal: { least: 50_000 } },
  { id: 'kills', part: 'kills', what: 'kills, seeded, in all runs so far', unit: '', goal: { least: 1000 } },
  {
    id: 'kills.lost',
    part: 'kills',
    what: 'events or messages lost, doubled or run twice, left over: not mended',
    unit: '',
    goal: { most: 0 },
  },
  {
    id: 'host.live',
    part: 'host',
    what: 'live sessions that answer, on a host of 24 GiB',
    unit: '',
    goal: { least: 60 },
  },
  { id: 'host.parked', part: 'host', what: 'parked sessions on it', unit: '', goal: { least: 1000 } },
] as const satisfies readonly BenchRow[];

/** What else is measured. */
export const MORE_ROWS = [
  {
    id: 'preview.unwatched',
    part: 'preview',
    what: 'processor time of a preview that nobody watches',
    unit: 'ms',
    goal: null,
  },
  {
    id: 'preview.floor',
    part: 'preview',
    what: 'a streamed preview by relays that only read and write, in the place of all parts',
    unit: 'ms',
    goal: null,
  },
  { id: 'get.jose', part: 'get', what: '`GET` of a session, against node:http + jose + a Map', unit: '×', goal: null },
  {
    id: 'line.p50',
    part: 'line',
    what: 'a line from `claude` to a WebSocket client, p50',
    unit: 'ms',
    goal: { most: 3 },
  },
  { id: 'line.p99', part: 'line', what: 'the same, p99', unit: 'ms', goal: { most: 15 } },
  {
    id: 'memory.service.pss',
    part: 'memory',
    what: 'memory of the service at its first start, PSS',
    unit: 'MB',
    goal: null,
  },
  {
    id: 'model-call',
    part: 'way-out',
    what: 'a model call, added by the runner’s gateway, p50',
    unit: 'ms',
    goal: { most: 2 },
  },
  {
    id: 'egress.https',
    part: 'way-out',
    what: '100 MB by https at 10 Gbit/s, through the proxy against past it',
    unit: '×',
    goal: { least: 0.7 },
  },
  { id: 'egress.http', part: 'way-out', what: 'the same, by http', unit: '×', goal: { least: 0.7 } },
  {
    id: 'tunnel.p50',
    part: 'way-out',
    what: 'a page of a container’s port, added by the tunnel, p50',
    unit: 'ms',
    goal: { most: 3 },
  },
  {
    id: 'snapshot.first',
    part: 'snapshots',
    what: 'a snapshot of this project, against `tar | zstd`',
    unit: '×',
    goal: { most: 1.3 },
  },
  {
    id: 'snapshot.second',
    part: 'snapshots',
    what: 'the next one, ten files later, against the first',
    unit: '×',
    goal: { most: 0.15 },
  },
  {
    id: 'snapshot.restore',
    part: 'snapshots',
    what: 'a restore, every hash checked, against `zstd -d | tar x`',
    unit: '×',
    goal: { most: 1.3 },
  },
  { id: 'wake', part: 'snapshots', what: 'waking a parked session, against a new one', unit: '×', goal: { most: 1.3 } },
  {
    id: 'environment',
    part: 'environments',
    what: 'a session of a cached environment, against one of none',
    unit: '×',
    goal: { most: 1.05 },
  },
] as const satisfies readonly BenchRow[];

/** What a day on one host says besides: docs/scale.md. */
export const HOST_ROWS = [
  {
    id: 'host.starts',
    part: 'host',
    what: 'containers that start in a rush, until they have answered',
    unit: '/s',
    goal: null,
  },
  {
    id: 'host.base',
    part: 'host',
    what: 'memory of edge, runner and engine with all sessions live, PSS',
    unit: 'MB',
    goal: null,
  },
  {
    id: 'host.session',
    part: 'host',
    what: 'memory of a live session without `claude`: wrapper, init, shim, PSS',
    unit: 'MB',
    goal: null,
  },
  { id: 'host.place.p50', part: 'host', what: 'wait for a place in the day, p50', unit: 'ms', goal: null },
  { id: 'host.place.p99', part: 'host', what: 'the same, p99', unit: 'ms', goal: null },
  {
    id: 'host.ready.p50',
    part: 'host',
    what: 'from asking for a place until `claude` is ready, p50',
    unit: 'ms',
    goal: null,
  },
  { id: 'host.ready.p99', part: 'host', what: 'the same, p99', unit: 'ms', goal: null },
  {
    id: 'host.disk',
    part: 'host',
    what: 'disk of a parked session: its folder, snapshots, log',
    unit: 'KB',
    goal: null,
  },
] as const satisfies readonly BenchRow[];

export const ROWS: readonly BenchRow[] = [...MAIN_ROWS, ...MORE_ROWS, ...HOST_ROWS];

export type FigureId = (typeof MAIN_ROWS | typeof MORE_ROWS | typeof HOST_ROWS)[number]['id'];

/** What README shows, in words that need no row before them. */
export const README_ROWS: readonly (readonly [FigureId, string])[] = [
  ['new.docker', 'a new session, sealed in a container, until its first result: against `claude -p` by hand'],
  ['warm.docker', 'the same from a warm spare'],
  ['memory.session.pss', 'memory of a session over `claude`’s own'],
  ['kills', 'processes killed under load by [a program that checks what clients saw](docs/chaos.md)'],
  ['host.live', 'sessions that work at once on a machine of 24 GiB'],
];

export type Verdict = 'met' | 'MISSED' | 'no figure' | '';

/** Whether a figure meets its goal. */
export function verdict({ goal }: BenchRow, value: number | undefined): Verdict {
  if (goal === null) return '';
  if (value === undefined) return 'no figure';
  const isMet = 'most' in goal ? value <= goal.most : value >= goal.least;
  return isMet ? 'met' : 'MISSED';
}
