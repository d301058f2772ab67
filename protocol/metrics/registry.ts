import { METRICS, type LabelsOf, type NameOf } from './catalogue.ts';

/**
 * What was counted, by series: `name{label="value"}`. Of a histogram each bucket counts what fell into it alone, and
 * `name_sum` adds up; `metrics-text.ts` makes Prometheus's form of it.
 */
export type Counts = Readonly<Record<string, number>>;

/** Counts in memory. */
export class Registry {
  readonly #counts = new Map<string, number>();
  #version = 0;

  /** Another number after each change. */
  get version(): number {
    return this.#version;
  }

  count<Name extends NameOf<'counter'>>(name: Name, labels: LabelsOf<Name>, by = 1): void {
    this.#add(seriesOf(name, labels), by);
  }

  observe<Name extends NameOf<'histogram'>>(name: Name, labels: LabelsOf<Name>, value: number): void {
    this.observeIn(histogramOf(name, labels), value);
  }

  /** As `observe`, of one whose labels were written before. */
  observeIn({ bounds, buckets, sum }: Histogram, value: number): void {
    const bucket = bounds.findIndex((end) => value <= end);
    this.#add(buckets.at(bucket) ?? '', 1);
    this.#add(sum, value);
  }

  set<Name extends NameOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, value: number): void {
    const series = seriesOf(name, labels);
    this.#add(series, value - (this.#counts.get(series) ?? 0));
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  all(): Counts {
    return Object.fromEntries(this.#counts);
  }

  /** All that was counted, which begins anew. */
  take(): Counts {
    const taken = this.all();
    this.#counts.clear();
    return taken;
  }

  /** What was taken could not be sent: it counts here again. */
  giveBack(taken: Counts): void {
    for (const [series, more] of Object.entries(taken)) this.#add(series, more);
  }

  #add(series: string, by: number): void {
    this.#version += 1;
    this.#counts.set(series, (this.#counts.get(series) ?? 0) + by);
  }
}

/** The series of a histogram with certain labels. */
export interface Histogram {
  readonly bounds: readonly number[];
  /** The names of its buckets' series; the last one is of what is beyond all bounds. */
  readonly buckets: readonly string[];
  /** The name of its sum's. */
  readonly sum: string;
}

/** The names of a histogram's series: to write them costs more than to count. */
export function histogramOf<Name extends NameOf<'histogram'>>(name: Name, labels: LabelsOf<Name>): Histogram {
  const { buckets: bounds } = METRICS[name];
  const inside = labelsText(labels);
  const start = `${name}_bucket{${inside === '' ? '' : `${inside},`}`;
  const buckets = [...bounds.map(String), '+Inf'].map((end) => `${start}le="${end}"}`);
  return { bounds, buckets, sum: `${name}_sum${inside === '' ? '' : `{${inside}}`}` };
}

/** The name of a series in Prometheus's format. */
export function seriesOf(name: string, labels: Readonly<Record<string, string>>): string {
  const inside = labelsText(labels);
  return inside === '' ? name : `${name}{${inside}}`;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  let text = '';
  for (const [label, value] of Object.entries(labels)) text += `${text === '' ? '' : ','}${label}="${escaped(value)}"`;
  return text;
}

/** What has to be written otherwise in a label. Hardly any has it. */
const SPECIAL = /["\\\n]/;

const escaped = (value: string) =>
  SPECIAL.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
