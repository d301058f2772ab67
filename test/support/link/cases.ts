import { ENDS, linkCase, steps, type EndName, type LinkCase, type Said, type Side, type Step } from './case.ts';
import breaks from './cases/breaks.json' with { type: 'json' };
import commands from './cases/commands.json' with { type: 'json' };
import items from './cases/items.json' with { type: 'json' };
import openings from './cases/openings.json' with { type: 'json' };
import previews from './cases/previews.json' with { type: 'json' };
import refusals from './cases/refusals.json' with { type: 'json' };
import runner from './cases/runner.json' with { type: 'json' };
import window from './cases/window.json' with { type: 'json' };
import { isPreview } from './on-the-wire.ts';

/** All cases, as they are written. */
export const CASES: readonly LinkCase[] = linkCase
  .array()
  .parse([items, breaks, commands, previews, refusals, runner, window].flat());

const OPENINGS = { greeted: steps.parse(openings.greeted), ready: steps.parse(openings.ready) };

/** Kinds of frames that only a data socket carries. A case without such a frame does not look at them. */
export const RUNNERS_OWN = ['host', 'host_ack', 'model'];

/** The item that every case ends with. */
export const LAST_WORD = 'the last word';

export const sideOf = (end: EndName): Side =>
  end === 'wrapper' || end === 'relay as container' ? 'container' : 'session';

/** The end's link is the data socket between runner and session, not the unix socket between wrapper and runner. */
export const isOnDataSocket = (end: EndName): boolean => end === 'relay as container' || end === 'session';

/** The ends whose link carries all frames of the case, and that send none that is wrong. */
export function endsThatCan({ steps: own }: LinkCase): EndName[] {
  const kinds = new Set(own.map(kindOf));
  const onDataSocket = RUNNERS_OWN.some((kind) => kinds.has(kind));
  const onUnixSocket = kinds.has('go') || kinds.has('ping');
  return ENDS.filter((end) => {
    if (isOnDataSocket(end) ? onUnixSocket : onDataSocket) return false;
    return !own.some((step) => 'wrong' in step && sideOf(end) in step);
  });
}

/** The kind of the frame that a step sends; undefined: it sends none. */
export function kindOf(step: Step): string | undefined {
  const frame = 'container' in step ? step.container : 'session' in step ? step.session : null;
  return frame !== null && 'kind' in frame ? frame.kind : undefined;
}

/** The cases that hold for an end. */
export const casesFor = (end: EndName): LinkCase[] =>
  CASES.filter((one) => endsThatCan(one).includes(end) && one.except?.[end] === undefined);

/** All that is said in these steps. */
export const saidIn = (some: readonly Step[]): Said[] => some.flatMap((step) => ('says' in step ? step.says : []));

/** All steps of a case: its opening, its own, and one more item. */
export function allSteps({ opening, steps: own }: LinkCase): Step[] {
  const before = [...(opening === undefined ? [] : OPENINGS[opening]), ...own];
  const last = saidIn(before).filter((said) => !isPreview(said)).length + 1;
  return [
    ...before,
    { says: LAST_WORD },
    { container: { kind: 'items', first: last, items: [LAST_WORD] } },
    { session: { kind: 'ack', stored: last } },
  ];
}
