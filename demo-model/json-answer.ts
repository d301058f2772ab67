import * as z from 'zod';
import type { MessagesRequest } from './messages-request.ts';

/** A JSON schema, as far as an answer is made to it. */
const jsonSchema = z.looseObject({
  get properties() {
    return z.record(z.string(), jsonSchema).optional();
  },
  type: z.string().optional(),
  enum: z.array(z.json()).min(1).optional(),
});
type JsonSchema = z.infer<typeof jsonSchema>;

const outputConfig = z.looseObject({
  format: z.looseObject({ type: z.literal('json_schema'), schema: jsonSchema }),
});

/** The schema that an answer must have: Claude Code's side calls (a title for the session) ask for one. */
export function wantedSchema(request: MessagesRequest): JsonSchema | undefined {
  return outputConfig.safeParse(request.output_config).data?.format.schema;
}

/** An answer to a JSON schema, with `text` (its first 60 characters) for every string. */
export function jsonForSchema(schema: JsonSchema, text: string): string {
  return JSON.stringify(valueFor(schema, text.slice(0, 60)));
}

function valueFor(schema: JsonSchema, text: string): unknown {
  if (schema.enum !== undefined) return schema.enum[0];
  switch (schema.type ?? 'object') {
    case 'string':
      return text;
    case 'number':
    case 'integer':
      return 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'null':
      return null;
    default:
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, value]) => [key, valueFor(value, text)]),
      );
  }
}
