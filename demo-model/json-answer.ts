import * as z from 'zod';
import type { MessagesRequest } from './messages-request.ts';

/** The parts of a JSON schema that `jsonForSchema` follows. */
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

/** The schema that the answer must match, if any. Claude Code's side calls ask for one, as for a session title. */
export function wantedSchema(request: MessagesRequest): JsonSchema | undefined {
  return outputConfig.safeParse(request.output_config).data?.format.schema;
}

/** JSON that matches a schema. Every string in it is the first 60 characters of `text`. */
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
