import { sourceOf, type Node, type Source } from './source.ts';

/** What comments say of a schema and its parts. */
export interface Docs {
  /** Of the schema itself, where it is declared. */
  readonly text?: string | undefined;
  /** Of the fields of an object. `own`: the comment stands at the field. */
  readonly fields?: Readonly<Record<string, Docs & { readonly own?: string | undefined }>>;
  /** Of the elements of an array, or the values of a record. */
  readonly items?: Docs;
  /** Of the forms that a union has, in their order. */
  readonly options?: readonly Docs[];
}

/** What the comments say of a constant. @throws when the file has none of that name */
export function docsOfConstant(file: string, name: string): Docs {
  const source = sourceOf(file);
  const constant = source.constants.get(name);
  if (constant === undefined) throw new Error(`${file} has no constant ${name}`);
  return { ...docsOf(constant.value, source, file), text: constant.comment };
}

/** What stands at a name, wherever it is from. */
function docsOfName(name: string, source: Source, file: string): Docs {
  if (source.constants.has(name)) return docsOfConstant(file, name);
  const from = source.imports.get(name);
  // Ids and instants: their format says it.
  if (from?.file.endsWith('protocol/ids.ts')) return {};
  return from !== undefined && sourceOf(from.file).constants.has(from.name) ? docsOfConstant(from.file, from.name) : {};
}

function docsOf(node: Node, source: Source, file: string): Docs {
  switch (node.type) {
    case 'Identifier':
      return docsOfName(String(node['name']), source, file);
    case 'ObjectExpression':
      return { fields: fieldsOf(node, source, file) };
    case 'MemberExpression': {
      const of = docsOf(node['object'] as Node, source, file);
      const name = String((node['property'] as Node)['name']);
      // `schema.shape` has the fields of the schema; `settings.model` is one of an object.
      return name === 'shape' ? of : (of.fields?.[name] ?? {});
    }
    case 'CallExpression':
      return docsOfCall(node, source, file);
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
      return docsOf(node['expression'] as Node, source, file);
    default:
      return {};
  }
}

/** `z.object({…})` and the like, or a method of a schema, which is mostly still that schema. */
function docsOfCall(node: Node, source: Source, file: string): Docs {
  const callee = node['callee'] as Node;
  if (callee.type !== 'MemberExpression') return {};
  const object = callee['object'] as Node;
  const method = String((callee['property'] as Node)['name']);
  const [first, second] = node['arguments'] as readonly (Node | undefined)[];
  const of = (part: Node | undefined) => (part === undefined ? {} : docsOf(part, source, file));
  if (object.type !== 'Identifier' || object['name'] !== 'z') {
    const base = docsOf(object, source, file);
    if (method === 'extend') return { fields: { ...base.fields, ...of(first).fields } };
    // Another set of values, or of fields, than what the comment at its declaration is about.
    return ['extract', 'exclude', 'pick', 'omit', 'partial'].includes(method) ? { ...base, text: undefined } : base;
  }
  if (method === 'object' || method === 'strictObject' || method === 'looseObject') return of(first);
  if (method === 'array') return { items: of(first) };
  if (method === 'record') return { items: of(second) };
  const forms = method === 'union' ? first : method === 'discriminatedUnion' ? second : undefined;
  if (forms?.type !== 'ArrayExpression') return {};
  const options = (forms['elements'] as Node[]).map((form) => {
    const docs = docsOf(form, source, file);
    return { ...docs, text: source.commentBefore(form) ?? docs.text };
  });
  return { options };
}

function fieldsOf(node: Node, source: Source, file: string): NonNullable<Docs['fields']> {
  const fields: Record<string, Docs & { own?: string | undefined }> = {};
  for (const property of node['properties'] as Node[]) {
    if (property.type === 'SpreadElement') {
      Object.assign(fields, docsOf(property['argument'] as Node, source, file).fields);
      continue;
    }
    const key = property['key'] as Node;
    const name = String(key['name'] ?? key['value']);
    const docs = docsOf(property['value'] as Node, source, file);
    // `settings.model.optional()`: the comment stands where the setting is declared.
    const own = source.commentBefore(property) ?? (docs as { own?: string }).own;
    fields[name] = { ...docs, own };
  }
  return fields;
}
