import type { GateMetrics } from '../../durable/rpc/gate-rpc.ts';
import type { EdgeDisk, PoolHealth } from '../../protocol/health.ts';
import { METRICS, type LabelsOf, type Metric, type NameOf } from '../../protocol/metrics/catalogue.ts';
import { seriesOf, type Counts } from '../../protocol/metrics/registry.ts';

/** What `GET /metrics` shows. */
export interface Measured {
  readonly gate: GateMetrics;
  readonly pool: PoolHealth;
  /** What runners have counted, by the runner's name. */
  readonly runners: Readonly<Record<string, Counts>>;
  readonly disk: EdgeDisk | null;
}

const MB = 1024 * 1024;

/** All metrics in Prometheus's text format, version 0.0.4. Each of the catalogue is named, whether it has a series or not. */
export function metricsText({ gate, pool, runners, disk }: Measured): string {
  const series = new Map<string, Map<string, number>>();
  const add = (name: string, labels: string, value: number) => {
    const of = series.get(name) ?? new Map<string, number>();
    series.set(name, of.set(labels, value));
  };
  const addAll = (counts: Counts, more: string) => {
    for (const [key, value] of Object.entries(counts)) {
      const { name, labels } = partsOf(key);
      add(name, joined(more, labels), value);
    }
  };
  addAll(gate.counts, '');
  for (const [runner, counts] of Object.entries(runners)) addAll(counts, partsOf(seriesOf('', { runner })).labels);
  for (const [key, value] of gaugesOf(gate, pool, disk)) {
    const { name, labels } = partsOf(key);
    add(name, labels, value);
  }
  const blocks = Object.entries<Metric>(METRICS).map(([name, metric]) => {
    const lines = metric.type === 'histogram' ? bucketLines(name, metric.buckets, series) : linesOf(name, series);
    return [`# HELP ${name} ${metric.help}`, `# TYPE ${name} ${metric.type}`, ...lines].join('\n');
  });
  return `${blocks.join('\n')}\n`;
}

const gauge = <Name extends NameOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, value: number): [string, number] => [
  seriesOf(name, labels),
  value,
];

/** What is now, as opposed to what was counted. */
function* gaugesOf(gate: GateMetrics, pool: PoolHealth, disk: EdgeDisk | null): Generator<[string, number]> {
  const sum = (of: (runner: PoolHealth['runners'][number]) => number) =>
    pool.runners.reduce((total, runner) => total + of(runner), 0);
  for (const [state, sessions] of Object.entries(gate.sessions)) yield gauge('cc_docker_sessions', { state }, sessions);
  for (const [transport, open] of Object.entries(gate.viewers)) yield gauge('cc_docker_viewers', { transport }, open);
  yield gauge('cc_docker_stored_bytes', {}, gate.stored_bytes);
  yield gauge('cc_docker_sessions_waiting', {}, pool.waiting);
  yield gauge('cc_docker_runners', {}, pool.runners.length);
  yield gauge(
    'cc_docker_places',
    {},
    sum(({ capacity }) => capacity),
  );
  yield gauge(
    'cc_docker_containers',
    {},
    sum(({ running }) => running),
  );
  if (disk !== null) {
    yield gauge('cc_docker_edge_disk_free_mb', {}, disk.free_mb);
    yield gauge('cc_docker_edge_disk_free_bytes', {}, disk.free_mb * MB);
  }
  for (const { name: runner, ok, capacity, running, disk: of } of pool.runners) {
    yield gauge('cc_docker_runner_ok', { runner }, ok ? 1 : 0);
    yield gauge('cc_docker_runner_places', { runner }, capacity);
    yield gauge('cc_docker_runner_containers', { runner }, running);
    if (of === undefined) continue;
    yield gauge('cc_docker_runner_disk_free_mb', { runner }, of.free_mb);
    yield gauge('cc_docker_runner_disk_free_bytes', { runner }, of.free_mb * MB);
  }
}

type Series = ReadonlyMap<string, ReadonlyMap<string, number>>;

function linesOf(name: string, series: Series): string[] {
  return [...(series.get(name) ?? [])].map(([labels, value]) => line(name, labels, value));
}

/** A histogram: each bucket with what fell into those below it, then the sum and the count. */
function bucketLines(name: string, ends: readonly number[], series: Series): string[] {
  const groups = new Map<string, Map<string, number>>();
  for (const [labels, value] of series.get(`${name}_bucket`) ?? []) {
    // `le` is the last label: so `Registry.observe` writes it.
    const [, others = '', end = ''] = /^(?:(.*),)?le="([^"]*)"$/.exec(labels) ?? [];
    groups.set(others, (groups.get(others) ?? new Map<string, number>()).set(end, value));
  }
  return [...groups].flatMap(([labels, buckets]) => {
    let below = 0;
    const lines = [...ends.map(String), '+Inf'].map((end) => {
      below += buckets.get(end) ?? 0;
      return line(`${name}_bucket`, joined(labels, `le="${end}"`), below);
    });
    const sum = series.get(`${name}_sum`)?.get(labels) ?? 0;
    return [...lines, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, below)];
  });
}

const line = (name: string, labels: string, value: number) => `${name}${labels === '' ? '' : `{${labels}}`} ${value}`;

const joined = (...labels: readonly string[]) => labels.filter((one) => one !== '').join(',');

/** `name{labels}`, taken apart. */
function partsOf(series: string): { readonly name: string; readonly labels: string } {
  const at = series.indexOf('{');
  return at < 0 ? { name: series, labels: '' } : { name: series.slice(0, at), labels: series.slice(at + 1, -1) };
}
