import type { Service } from '../e2e/service.ts';
import { until } from '../until.ts';

interface Line {
  readonly event: string;
  readonly spare?: string;
  readonly session?: string;
}

/** What the runner has logged of its spares. The last line may not be whole yet. */
const lines = (service: Service): Line[] =>
  service.log
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.includes('"spare":'))
    .map((line) => JSON.parse(line));

/** The spares that have come to wait, in order. */
export const parkedSpares = (service: Service): string[] =>
  lines(service).flatMap(({ event, spare }) => (event === 'a spare waits' && spare !== undefined ? [spare] : []));

/** The spare that a session has claimed; undefined: it started cold. */
export const spareOf = (service: Service, session: string): string | undefined =>
  lines(service).find((line) => line.event === 'spare claimed' && line.session === session)?.spare;

/** @returns the id of the spare that comes to wait after these */
export const nextSpare = (service: Service, before: readonly string[]): Promise<string> =>
  until(() => {
    const spare = parkedSpares(service)[before.length];
    if (spare === undefined) throw new Error(`no spare waits:\n${service.log}`);
    return spare;
  });
