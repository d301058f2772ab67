import type * as z from 'zod';

/** One thing that does not fit, and where. */
export interface Issue {
  /** Names of fields, joined by dots; '' is the whole. */
  readonly path: string;
  readonly message: string;
}

type ZodIssue = z.core.$ZodIssue;

/** What does not fit, in words that lead to it. */
export function issuesOf({ issues }: Pick<z.ZodError, 'issues'>): Issue[] {
  return issues.flatMap((issue) => leaves(issue, []));
}

/**
 * Of a value that fits none of several shapes, only the issues of the shape that it fits furthest are of use: all others say
 * that it is something else.
 */
function leaves(issue: ZodIssue, above: readonly PropertyKey[]): Issue[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union') {
    const depths = issue.errors.map((option) => Math.max(0, ...option.map(depth)));
    const deepest = Math.max(0, ...depths);
    const best = deepest === 0 ? undefined : issue.errors[depths.indexOf(deepest)];
    if (best !== undefined) return best.flatMap((inner) => leaves(inner, path));
  }
  // What is wrong with a key is said of where its value is.
  if (issue.code === 'invalid_key') return issue.issues.flatMap((inner) => leaves({ ...inner, path: [] }, path));
  return [{ path: path.map(String).join('.'), message: issue.message }];
}

/** How far into the value an issue is. */
function depth(issue: ZodIssue): number {
  const inner = issue.code === 'invalid_union' ? Math.max(0, ...issue.errors.flat().map(depth)) : 0;
  return issue.path.length + inner;
}
