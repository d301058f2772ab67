import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { ownEvents, ownPreviews } from '../../protocol/api/session/own-events.ts';

const DOCUMENT = path.join(import.meta.dirname, '..', '..', 'docs', 'openapi.json');

interface Document {
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

/**
 * What the client's types are made from: the API's document, with the `data` of each of CC-Docker's own events and previews as two
 * more schemas, `OwnEvents` and `OwnPreviews`. So the client needs no type of zod's.
 */
export async function typesSource(): Promise<object> {
  const text = await readFile(DOCUMENT, 'utf8');
  // Examples would stand in the types as comments, longer than these.
  const document = JSON.parse(text, (name, value: unknown) => (name === 'example' ? undefined : value)) as Document;
  const own = { OwnEvents: schemaOf(ownEvents), OwnPreviews: schemaOf(ownPreviews) };
  return {
    ...document,
    components: { ...document.components, schemas: { ...document.components.schemas, ...own } },
  };
}

/** An object of all of these, by their type. */
function schemaOf(all: Readonly<Record<string, z.ZodType>>): object {
  const properties = Object.fromEntries(
    Object.entries(all).map(([type, schema]) => {
      const { $schema: _, ...data } = z.toJSONSchema(schema);
      return [type, data];
    }),
  );
  return { type: 'object', properties, required: Object.keys(properties) };
}
