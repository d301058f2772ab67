import { plain, type Named, type Plain, type Schema } from './plain.ts';

/** Two schemas of two documents, and where they stand. */
export interface Pair {
  readonly before: Schema;
  readonly after: Schema;
  readonly at: string;
}

/** The named schemas of both documents. */
export interface Names {
  readonly before: Named;
  readonly after: Named;
}

/** Pairs that are being compared: a schema that has itself as a part ends there. */
type Open = ReadonlySet<string>;

/** What a caller could send before and cannot any more. */
export const narrowedInput = (pair: Pair, names: Names): string[] => inputs(pair, names, new Set());

/** What a caller could rely on in an answer before, and cannot any more. New values and new fields are none: callers pass those over. */
export const narrowedOutput = (pair: Pair, names: Names): string[] => outputs(pair, names, new Set());

function inputs({ before, after, at }: Pair, names: Names, open: Open): string[] {
  const next = opened(before, after, open);
  if (next === null) return [];
  const was = plain(before, names.before);
  const is = plain(after, names.after);
  if (was.forms !== undefined || is.forms !== undefined)
    return unionInputs({ before, after, at }, was, is, names, next);
  const into = (name: string) => `${at}.${name}`;
  return [
    ...lostTypes(was, is, at),
    ...[...(was.values ?? [])]
      .filter((value) => is.values && !is.values.has(value))
      .map((value) => `${at}: no longer ${value}`),
    ...(was.values === undefined && is.values !== undefined ? [`${at}: only ${[...is.values].join(', ')}`] : []),
    ...(was.values === undefined ? tighter(was, is, at) : []),
    ...[...is.required].filter((name) => !was.required.has(name)).map((name) => `${into(name)}: now required`),
    ...Object.entries(was.properties).flatMap(([name, part]) => {
      const now = is.properties[name];
      if (now !== undefined) return inputs({ before: part, after: now, at: into(name) }, names, next);
      return is.isOpen ? [] : [`${into(name)}: removed`];
    }),
    ...inside(was, is, at).flatMap((pair) => inputs(pair, names, next)),
  ];
}

/** Each form that there was has to be taken by one that there is. */
function unionInputs({ before, after, at }: Pair, was: Plain, is: Plain, names: Names, open: Open): string[] {
  const lost = was.forms === undefined ? [] : lostTypes(was, { ...is, types: is.types ?? new Set(['null']) }, at);
  return [
    ...lost,
    ...(was.forms ?? [before]).flatMap((form) =>
      least((is.forms ?? [after]).map((other) => inputs({ before: form, after: other, at }, names, open))),
    ),
  ];
}

function outputs({ before, after, at }: Pair, names: Names, open: Open): string[] {
  const next = opened(before, after, open);
  if (next === null) return [];
  const was = plain(before, names.before);
  const is = plain(after, names.after);
  if (was.forms !== undefined || is.forms !== undefined)
    return (was.forms ?? [before]).flatMap((form) =>
      least((is.forms ?? [after]).map((other) => outputs({ before: form, after: other, at }, names, next))),
    );
  const into = (name: string) => `${at}.${name}`;
  return [
    ...lostTypes(is, was, at).map((line) => line.replace('no longer', 'now also')),
    ...Object.entries(was.properties).flatMap(([name, part]) => {
      const now = is.properties[name];
      if (now === undefined) return [`${into(name)}: removed`];
      const lost = was.required.has(name) && !is.required.has(name) ? [`${into(name)}: may be absent`] : [];
      return [...lost, ...outputs({ before: part, after: now, at: into(name) }, names, next)];
    }),
    ...inside(was, is, at).flatMap((pair) => outputs(pair, names, next)),
  ];
}

/** Elements of arrays, and values of records. */
function inside(was: Plain, is: Plain, at: string): Pair[] {
  return [
    ...(was.items && is.items ? [{ before: was.items, after: is.items, at: `${at}[]` }] : []),
    ...(was.values_of_record && is.values_of_record
      ? [{ before: was.values_of_record, after: is.values_of_record, at: `${at}.*` }]
      : []),
  ];
}

function lostTypes(was: Plain, is: Plain, at: string): string[] {
  if (is.types === undefined) return [];
  const { types } = is;
  const wanted = was.types ?? new Set(['any']);
  return [...wanted]
    .filter((type) => !types.has(type) && !(type === 'integer' && types.has('number')))
    .map((type) => `${at}: no longer ${type}`);
}

/** Bounds that are closer, and patterns and formats that are new or others. */
function tighter(was: Plain, is: Plain, at: string): string[] {
  return Object.entries(is.limits)
    .filter(([name, value]) => {
      const before = was.limits[name];
      if (before === value) return false;
      if (typeof value !== 'number' || typeof before !== 'number') return true;
      return name.toLowerCase().includes('min') ? value > before : value < before;
    })
    .map(([name, value]) => `${at}: ${name} ${String(value)}`);
}

function opened(before: Schema, after: Schema, open: Open): Open | null {
  const key = before.$ref === undefined && after.$ref === undefined ? null : `${before.$ref} ${after.$ref}`;
  if (key === null) return open;
  return open.has(key) ? null : new Set([...open, key]);
}

/** Of what each choice would break, that which breaks least. */
const least = (choices: readonly string[][]): string[] => choices.toSorted((a, b) => a.length - b.length)[0] ?? [];
