import type { EdgeDisk, PoolHealth } from '../../protocol/health.ts';

/** What each counter is, by its name without labels. */
const HELP: Readonly<Record<string, string>> = {
  cc_docker_refusals_total: 'Calls that were refused, by the code of the problem',
  cc_docker_sessions_ended_total: 'Sessions that were parked or failed, by the reason',
};

interface Metric {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** Lines such as `name{label="value"} 3`. */
  readonly lines: string[];
}

/** Counters and gauges in Prometheus's text format, version 0.0.4. @param counters by name, labels included */
export function metricsText(
  counters: Readonly<Record<string, number>>,
  pool: PoolHealth,
  disk: EdgeDisk | null,
): string {
  const metrics = new Map<string, Metric>();
  for (const [name, help] of Object.entries(HELP)) metrics.set(name, { type: 'counter', help, lines: [] });
  for (const [labelled, value] of Object.entries(counters)) {
    metrics.get(labelled.replace(/\{.*/, ''))?.lines.push(`${labelled} ${value}`);
  }
  const sum = (of: (runner: PoolHealth['runners'][number]) => number) =>
    pool.runners.reduce((total, runner) => total + of(runner), 0);
  const gauges = {
    cc_docker_sessions_waiting: ['Sessions that wait for a place', pool.waiting],
    cc_docker_runners: ['Connected runners', pool.runners.length],
    cc_docker_places: ['Containers that connected runners can have at once', sum(({ capacity }) => capacity)],
    cc_docker_containers: ['Containers that connected runners have', sum(({ running }) => running)],
    ...(disk !== null && { cc_docker_edge_disk_free_mb: ['Free space of the edge’s disk, MB', disk.free_mb] as const }),
  } as const;
  for (const [name, [help, value]] of Object.entries(gauges))
    metrics.set(name, { type: 'gauge', help, lines: [`${name} ${value}`] });
  metrics.set('cc_docker_runner_disk_free_mb', {
    type: 'gauge',
    help: 'Free space of a runner’s disk, MB',
    lines: pool.runners.flatMap(({ name, disk: of }) =>
      of === undefined ? [] : [`cc_docker_runner_disk_free_mb{runner="${name}"} ${of.free_mb}`],
    ),
  });
  return [...metrics]
    .map(
      ([name, { type, help, lines }]) =>
        `${[`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join('\n')}\n`,
    )
    .join('');
}
