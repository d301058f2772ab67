import { quantile } from '../lib/statistics.ts';
import { growth, type Limit } from './limits.ts';
import type { Disk, Look } from './monitor.ts';
import type { Seen } from './person.ts';
import { PARTS, type Part } from './processes.ts';

/** What grows with what is stored or waits in memory, so what a soak judges. */
const LASTING: readonly Part[] = ['edge', 'runner', 'dockerd', 'containerd'];
/** A part's memory or descriptors may be this much larger at the end of a soak. */
const FLAT = 1.1;
/** Of the sessions of a soak, how many have to be live for a look to count. */
const ALL = 0.9;

const mb = (value: number) => value.toFixed(0);
const ms = (value: number) => (value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`);
const quantiles = (name: string, values: readonly number[]) =>
  `  ${name.padEnd(44)} ${String(values.length).padStart(6)}   p50 ${ms(quantile(values, 0.5)).padStart(8)}   p99 ${ms(quantile(values, 0.99)).padStart(8)}   longest ${ms(Math.max(0, ...values)).padStart(8)}`;

export const LOOK_HEAD =
  ' min  live wait parked  done err | PSS MB: edge runner engine  per live: wrapper shim | open files: edge runner dockerd | alarms  free MB  busy';

/** One look, as a line. @param before the look before it */
export function lookLine(look: Look, before: Look | undefined, cores: number): string {
  const { parts, live } = look;
  const each = (part: Part) => (live === 0 ? 0 : parts[part].pssMb / live).toFixed(1);
  const alarms = Object.values(look.alarms).reduce((a, b) => a + b, 0);
  const busy =
    before === undefined
      ? ''
      : `${(((look.busyMs - before.busyMs) / 1000 / cores / (look.at - before.at)) * 100).toFixed(0)}%`;
  return [
    (look.at / 60).toFixed(1).padStart(4),
    String(live).padStart(5),
    String(look.waiting).padStart(4),
    String(look.parked).padStart(6),
    String(look.completed).padStart(5),
    String(look.errors).padStart(3),
    ' |        ',
    mb(parts.edge.pssMb).padStart(5),
    mb(parts.runner.pssMb).padStart(6),
    mb(parts.dockerd.pssMb + parts.containerd.pssMb).padStart(6),
    each('wrappers').padStart(18),
    each('shims').padStart(4),
    ' |           ',
    String(parts.edge.descriptors).padStart(5),
    String(parts.runner.descriptors).padStart(6),
    String(parts.dockerd.descriptors).padStart(7),
    ' |',
    String(alarms).padStart(6),
    String(look.availableMb).padStart(8),
    busy.padStart(5),
  ].join(' ');
}

/** What people have seen, and what is on the disk. */
export function dayReport(seen: Seen, disk: Disk, looks: readonly Look[]): string {
  const last = looks.at(-1);
  const kb = (sum: number) => (sum / Math.max(1, disk.sessions)).toFixed(0);
  const fired = Object.entries(last?.alarms ?? {}).filter(([, count]) => count > 0);
  return [
    `${seen.created} sessions, ${seen.sent} messages: ${seen.completed} completed; ${seen.watched} events and previews to viewers`,
    'waits',
    quantiles('for a place', seen.queue),
    quantiles('from asking for a place until claude is ready', seen.ready),
    quantiles('a turn in a container that runs, over its own time', seen.over),
    'the disk, KB a session',
    `  its folder ${kb(disk.runnerKb)}, its snapshots ${kb(disk.snapshotsKb)}, its log and state ${kb(disk.edgeKb)}`,
    `alarms fired: ${fired.map(([name, count]) => `${name} ${count}`).join(', ')}`,
    seen.errors.size === 0
      ? 'errors: none'
      : `ERRORS: ${[...seen.errors].map(([what, count]) => `${count} × ${what}`).join('; ')}`,
  ].join('\n');
}

/** The limits of the host, the first one first. */
export function limitsReport(limits: readonly Limit[]): string {
  const lines = limits.map(
    ({ name, share, at, move }) =>
      `  ${`${(share * 100).toFixed(0)}%`.padStart(5)}  ${name}: ${at}. To move it: ${move}.`,
  );
  return ['limits, the first one first (how much of each the day has taken)', ...lines].join('\n');
}

/** Whether memory and descriptors stayed as they were. */
export function soakReport(looks: readonly Look[]): { text: string; isFlat: boolean } {
  // At its beginning and at its end there are fewer.
  const most = Math.max(...looks.map(({ live }) => live));
  const settled = looks.filter(({ live }) => live >= most * ALL);
  const judged = [
    ...LASTING.flatMap((part) => [
      { what: `memory of ${part} (PSS, MB)`, values: settled.map(({ parts }) => parts[part].pssMb) },
      { what: `descriptors of ${part}`, values: settled.map(({ parts }) => parts[part].descriptors) },
    ]),
    { what: 'memory of a wrapper (PSS, MB)', values: settled.map(({ parts, live }) => parts.wrappers.pssMb / live) },
    { what: 'descriptors of a wrapper, at most', values: settled.map(({ parts }) => parts.wrappers.descriptors) },
  ];
  let isFlat = true;
  const lines = judged.map(({ what, values }) => {
    const ratio = growth(values);
    const met = ratio <= FLAT;
    isFlat &&= met;
    const [from = 0, to = 0] = [values[Math.floor(values.length / 3)], values.at(-1)];
    return `  ${met ? 'flat  ' : 'GROWS '} ${what.padEnd(36)} ${ratio.toFixed(2)} × (${from.toFixed(1)} → ${to.toFixed(1)})`;
  });
  return {
    text: [`the least of the last third against that of the second (flat: ≤ ${FLAT} ×)`, ...lines].join('\n'),
    isFlat,
  };
}

/** All parts at the look with the most live sessions, for the tables of docs/scale.md. */
export function peakOf(looks: readonly Look[]): Look | undefined {
  return looks.toSorted((a, b) => b.live - a.live)[0];
}

/** Resident and proportional memory of each part, MB. */
export function partsReport(look: Look): string {
  const lines = PARTS.map((part) => {
    const { processes, rssMb, pssMb, descriptors } = look.parts[part];
    return `  ${part.padEnd(12)} ${String(processes).padStart(4)} processes  RSS ${mb(rssMb).padStart(6)}  PSS ${mb(pssMb).padStart(6)}  open files of one, at most ${descriptors}`;
  });
  return [`at ${look.live} live sessions, MB`, ...lines].join('\n');
}
