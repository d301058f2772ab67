import { narrowedInput, narrowedOutput, type Names } from './narrowed.ts';
import type { Named, Schema } from './plain.ts';

/** An OpenAPI document, as far as it is compared. */
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Named; readonly responses?: Readonly<Record<string, Answer>> };
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Answer>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Answer {
  readonly content?: Content;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

/**
 * What breaks callers of the document before: calls, parameters, answers and fields that are gone, and types that are narrower. Each is a
 * line that begins with the call.
 */
export function breakingChanges(before: Document, after: Document): string[] {
  const names: Names = { before: before.components?.schemas ?? {}, after: after.components?.schemas ?? {} };
  return Object.entries(before.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, was]) => {
      const call = `${method.toUpperCase()} ${path}`;
      const is = after.paths[path]?.[method];
      if (is === undefined) return [`${call}: removed`];
      const lines = [...parameters(was, is, names), ...bodies(was, is, names), ...answers(was, is, names)];
      return [...new Set(lines)].map((line) => `${call} ${line}`);
    }),
  );
}

/** Names of headers are the same in both cases. */
const same = (one: Parameter) => (other: Parameter) =>
  other.in === one.in && other.name.toLowerCase() === one.name.toLowerCase();

function parameters(was: Operation, is: Operation, names: Names): string[] {
  const { parameters: before = [] } = was;
  const { parameters: after = [] } = is;
  return [
    ...before.flatMap((one) => {
      const now = after.find(same(one));
      const at = `${one.in} ${one.name}`;
      if (now === undefined) return [`${at}: removed`];
      const wanted = now.required === true && one.required !== true ? [`${at}: now required`] : [];
      const lost = narrowedInput({ before: one.schema, after: now.schema, at }, names);
      // What stands in a URL or a header is text: `null` cannot.
      return [...wanted, ...lost.filter((line) => line !== `${at}: no longer null`)];
    }),
    ...after
      .filter((one) => one.required === true && !before.some(same(one)))
      .map((one) => `${one.in} ${one.name}: now required`),
  ];
}

function bodies({ requestBody: was }: Operation, { requestBody: is }: Operation, names: Names): string[] {
  if (is?.required === true && was?.required !== true) return ['body: now required'];
  return was === undefined ? [] : contents(was.content, is?.content, 'body', (pair) => narrowedInput(pair, names));
}

/** Only the answers of calls that succeed: codes of refusals come and go. */
function answers({ responses: was }: Operation, { responses: is }: Operation, names: Names): string[] {
  return Object.entries(was)
    .filter(([status]) => /^[123]/.test(status))
    .flatMap(([status, { content = {} }]) => {
      const now = is[status];
      if (now === undefined) return [`answer ${status}: removed`];
      return contents(content, now.content, `answer ${status}`, (pair) => narrowedOutput(pair, names));
    });
}

function contents(
  was: Content,
  is: Content | undefined,
  at: string,
  compare: (pair: { before: Schema; after: Schema; at: string }) => string[],
): string[] {
  return Object.entries(was).flatMap(([type, { schema: before = {} }]) => {
    const now = is?.[type];
    if (now === undefined) return [`${at} ${type}: removed`];
    return compare({ before, after: now.schema ?? {}, at });
  });
}
