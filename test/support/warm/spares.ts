import type { Service } from '../e2e/service.ts';
import { until } from '../until.ts';

interface Line {
  readonly event: string;
  readonly spare?: string;
  readonly session?: string;
  readonly like?: string;
}

/** What the runner has logged of its spares. The last line may not be whole yet. */
const lines = (log: string): Line[] =>
  log
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{') && line.includes('"spare":'))
    .map((line) => JSON.parse(line));

/** The spares that have come to wait, in order. */
export const parkedSpares = (service: Service): string[] =>
  lines(service.log).flatMap(({ event, spare }) => (event === 'a spare waits' && spare !== undefined ? [spare] : []));

/** The spare that a session has claimed; undefined: it started cold. */
export const spareOf = (service: Service, session: string): string | undefined =>
  lines(service.log).find((line) => line.event === 'spare claimed' && line.session === session)?.spare;

const isLike = (line: Line, like: readonly string[]) =>
  line.like === undefined ? like.length === 0 : like.includes(line.like);

/** The spare that comes to wait, made for sessions like one of these. @param like none: for sessions that ask for nothing, at first */
export const nextSpare = (service: Service, ...like: string[]): Promise<string> =>
  until(() => {
    const all = lines(service.log);
    const isGone = ({ spare }: Line) =>
      all.some(
        ({ event, spare: other }) => other === spare && (event === 'spare claimed' || event === 'a spare has ended'),
      );
    const found = all.find((line) => line.event === 'a spare waits' && isLike(line, like) && !isGone(line));
    if (found?.spare === undefined) throw new Error(`no spare waits:\n${service.log}`);
    return found.spare;
  });
