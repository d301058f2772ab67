import type { Refusal } from '../../../protocol/api/problem.ts';

/** Who, of those who may answer for the session, is to answer; null: each of them. */
type Answerers = readonly string[] | null;

/** Those whom the agent names. It is told who may answer only, and of nobody else whether there is such a user. */
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

/** Whether somebody who may answer for the session is asked this. */
export function isAsked({ answerers }: { readonly answerers: Answerers }, person: string): boolean {
  return answerers === null || answerers.includes(person);
}

/** How somebody is refused whom it does not ask. */
export function notAsked({ answerers }: { readonly answerers: Answerers }): Refusal {
  return { refused: 'not_your_question', detail: `It can be answered by ${quoted(answerers ?? [])} alone.` };
}

const quoted = (names: readonly string[]) => names.map((name) => JSON.stringify(name)).join(', ');
