import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { METRICS, RUNNER_METRICS, type Metric } from '../../protocol/metrics/catalogue.ts';

/** The dashboard asks for what `GET /metrics` has. test/edge/functions/telemetry/metrics.test.ts shows that it has all of the catalogue. */

const dashboard = z.object({
  panels: z.array(
    z.object({
      title: z.string(),
      datasource: z.object({ type: z.literal('prometheus'), uid: z.literal('${datasource}') }).optional(),
      targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
    }),
  ),
});

const FILE = path.join(import.meta.dirname, '../../docs/grafana/cc-docker.json');
const { panels } = dashboard.parse(JSON.parse(readFileSync(FILE, 'utf8')));
const queries = panels.flatMap(({ title, targets }) => targets.map((target) => ({ title, ...target })));

/** A metric that an expression names: which, which of its series, and the function around it. */
interface Named {
  readonly series: string;
  readonly metric: Metric | undefined;
  readonly labels: readonly string[];
  readonly selected: readonly string[];
  readonly within: string;
}

function metricsOf(expr: string): Named[] {
  return [...expr.matchAll(/(?:(\w+)\()?(cc_docker_[a-z_]+)(?:\{([^}]*)\})?(\[)?/g)].map((match) => {
    const [, within = '', series = '', selector = '', range] = match;
    const name = Object.hasOwn(METRICS, series) ? series : series.replace(/_(?:bucket|sum|count)$/, '');
    const metric = Object.entries<Metric>(METRICS).find(([one]) => one === name)?.[1];
    const selected = [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label);
    const own = [...(metric?.labels ?? []), ...(series.endsWith('_bucket') ? ['le'] : [])];
    const labels = Object.hasOwn(RUNNER_METRICS, name) ? ['runner', ...own] : own;
    return { series, metric, labels, selected, within: range === undefined ? '' : within };
  });
}

/** The labels by which an expression groups. */
const groupedBy = (expr: string): string[] =>
  [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(',').map((label) => label.trim()));

describe.each(queries)('$title: $expr', ({ expr, legendFormat }) => {
  const named = metricsOf(expr);

  test('names metrics that the service exports, by labels that they have', () => {
    expect(named).not.toEqual([]);
    for (const { series, metric, labels, selected } of named) {
      expect(metric, series).toBeDefined();
      if (series !== '' && metric?.type === 'histogram') expect(series).toMatch(/_(?:bucket|sum|count)$/);
      for (const label of [...selected, ...groupedBy(expr)]) expect(labels, series).toContain(label);
    }
    const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
    const known = expr.includes('by (') ? groupedBy(expr) : (named[0]?.labels ?? []);
    expect(known).toEqual(expect.arrayContaining(shown));
  });

  test('asks of each what its type has', () => {
    for (const { series, metric, within } of named) {
      const grows = metric?.type !== 'gauge';
      expect(['rate', 'increase'].includes(within), `${series} within ${within}()`).toBe(grows);
    }
    if (!expr.includes('histogram_quantile')) return;
    expect(groupedBy(expr)).toContain('le');
    for (const { series } of named) expect(series).toMatch(/_bucket$/);
  });
});

test('the dashboard shows every metric but those that are kept for older ones', () => {
  const shown = new Set(queries.flatMap(({ expr }) => metricsOf(expr).map(({ series }) => series)));
  const missing = Object.keys(METRICS).filter(
    (name) => ![name, `${name}_bucket`, `${name}_count`].some((series) => shown.has(series)),
  );
  expect(missing).toEqual(['cc_docker_edge_disk_free_mb', 'cc_docker_runner_disk_free_mb']);
});
