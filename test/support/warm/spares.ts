import type { Service } from '../e2e/service.ts';
import { until } from '../until.ts';

interface Line {
  readonly event: string;
  readonly spare?: string;
  readonly session?: string;
}

/** What the runner has logged of its spares. The last line may not be whole yet. */
const lines = (log: string): Line[] =>
  log
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{') && line.includes('"spare":'))
    .map((line) => JSON.parse(line));

/** The spare that a session has claimed; undefined: it started cold. */
export const spareOf = (service: Service, session: string): string | undefined =>
  lines(service.log).find((line) => line.event === 'spare claimed' && line.session === session)?.spare;

/** The log's line about the start of a session's first container. */
export const startOf = (session: string) => `"event":"container started","session":"${session}"`;

/**
 * The spare that comes to wait after this line of the log. Of `startOf`: made for sessions like that one, if none was being made before.
 *
 * @param line absent: the first one
 */
export const nextSpare = (service: Service, line = ''): Promise<string> =>
  until(() => {
    const at = service.log.indexOf(line);
    const spare = at === -1 ? undefined : lines(service.log.slice(at)).find(({ event }) => event === 'a spare waits');
    if (spare?.spare === undefined) throw new Error(`no spare waits:\n${service.log}`);
    return spare.spare;
  });
