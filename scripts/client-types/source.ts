import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { ownEvents } from '../../protocol/api/session/event.ts';

const DOCUMENT = path.join(import.meta.dirname, '..', '..', 'docs', 'openapi.json');

interface Document {
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

/**
 * What the client's types are made from: the API's document, with the `data` of each of CC-Docker's own events as one more schema,
 * `OwnEvents`. So the client needs no type of zod's.
 */
export async function typesSource(): Promise<object> {
  const text = await readFile(DOCUMENT, 'utf8');
  // Examples would stand in the types as comments, longer than these.
  const document = JSON.parse(text, (name, value: unknown) => (name === 'example' ? undefined : value)) as Document;
  const properties = Object.fromEntries(
    Object.entries(ownEvents).map(([type, schema]) => {
      const { $schema: _, ...data } = z.toJSONSchema(schema);
      return [type, data];
    }),
  );
  const OwnEvents = { type: 'object', properties, required: Object.keys(properties) };
  return {
    ...document,
    components: { ...document.components, schemas: { ...document.components.schemas, OwnEvents } },
  };
}
