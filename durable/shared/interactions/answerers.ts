import type { Refusal } from '../../../protocol/api/problem.ts';

/** Those of the session's people who are asked; null: all of them. */
type Answerers = readonly string[] | null;

/**
 * The people whom the agent names. The error lists only those who may answer, so that it does not say which other users
 * exist.
 */
export function chosenAnswerers(
  named: readonly string[] | undefined,
  people: readonly string[],
): Answerers | { readonly misfit: string } {
  if (named === undefined) return null;
  const others = [...new Set(named)].filter((name) => !people.includes(name));
  if (others.length === 0) return [...new Set(named)];
  const misfit = `${quoted(others)} may not answer. "answerers" takes these names: ${quoted(people)}. Leave it out to ask all of them.`;
  return { misfit };
}

/** Whether this person, who may answer for the session, is asked this question. */
export function isAsked({ answerers }: { readonly answerers: Answerers }, person: string): boolean {
  return answerers === null || answerers.includes(person);
}

/** The refusal for a person who is not asked this question. */
export function notAsked({ answerers }: { readonly answerers: Answerers }): Refusal {
  return { refused: 'not_your_question', detail: `It can be answered by ${quoted(answerers ?? [])} alone.` };
}

const quoted = (names: readonly string[]) => names.map((name) => JSON.stringify(name)).join(', ');
