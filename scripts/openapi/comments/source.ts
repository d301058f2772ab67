import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSync } from 'rolldown/utils';

/** A node of the syntax tree (ESTree), as far as it is looked at here. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [part: string]: unknown;
}

/** A file's constants by name, what it imports, and the comments before its parts. */
export interface Source {
  readonly constants: ReadonlyMap<string, { readonly value: Node; readonly comment: string | undefined }>;
  /** By the name here: the file, and the name there. */
  readonly imports: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
  /** The JSDoc comment that stands right before a node. */
  commentBefore(node: Node): string | undefined;
}

const known = new Map<string, Source>();

/** Reads a file of TypeScript, once. @throws when it does not parse */
export function sourceOf(file: string): Source {
  const before = known.get(file);
  if (before !== undefined) return before;
  const text = readFileSync(file, 'utf8');
  const { program, comments, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} does not parse`);
  const jsDocs = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'));
  const commentBefore = ({ start }: Node) => {
    const last = jsDocs.findLast(({ end }) => end <= start);
    return last !== undefined && text.slice(last.end, start).trim() === '' ? sentences(last.value) : undefined;
  };
  const constants = new Map<string, { value: Node; comment: string | undefined }>();
  const imports = new Map<string, { file: string; name: string }>();
  for (const statement of program.body as unknown as Node[]) {
    if (statement.type === 'ImportDeclaration') {
      const from = (statement['source'] as { value: string }).value;
      if (!from.startsWith('.')) continue;
      for (const one of statement['specifiers'] as (Node & { local: Named; imported?: Named })[])
        if (one.imported !== undefined)
          imports.set(one.local.name, { file: path.join(path.dirname(file), from), name: one.imported.name });
      continue;
    }
    const declaration = (statement['declaration'] ?? statement) as Node;
    if (declaration.type !== 'VariableDeclaration') continue;
    for (const { id, init } of declaration['declarations'] as { id: Named; init: Node | null }[])
      if (init !== null) constants.set(id.name, { value: init, comment: commentBefore(statement) });
  }
  const source = { constants, imports, commentBefore };
  known.set(file, source);
  return source;
}

interface Named {
  readonly name: string;
}

/** The text of a comment, on one line. */
const sentences = (comment: string) =>
  comment
    .replace(/^\*/, '')
    .replaceAll(/\n\s*\*/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
