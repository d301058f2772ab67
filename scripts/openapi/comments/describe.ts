import type { Docs } from './docs.ts';

/** A JSON Schema, as far as it is looked at here. */
export interface Schema {
  readonly $ref?: string;
  description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly type?: unknown;
}

/** Writes into a JSON Schema what the comments say of it and of its parts. What says something itself keeps that. */
export function describe(schema: Schema, docs: Docs): void {
  if (schema.$ref !== undefined) return;
  if (docs.text !== undefined) schema.description ??= docs.text;
  const forms = schema.anyOf ?? schema.oneOf;
  if (forms !== undefined) {
    const ours = forms.filter((form) => form.type !== 'null');
    // One form beside null: the schema that may be null.
    if (ours.length === 1 && ours[0] !== undefined && docs.options === undefined) parts(ours[0], docs);
    else for (const [at, form] of ours.entries()) describe(form, docs.options?.[at] ?? {});
    return;
  }
  parts(schema, docs);
}

function parts(schema: Schema, docs: Docs): void {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const { own, ...inherited } = docs.fields?.[name] ?? {};
    if (own !== undefined) field.description ??= own;
    describe(field, inherited);
  }
  for (const part of [schema.items, schema.additionalProperties])
    if (typeof part === 'object') describe(part, docs.items ?? {});
}
