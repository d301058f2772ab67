import * as z from 'zod';
import { SCHEMAS } from './schema-names.ts';

/** A JSON Schema as OpenAPI 3.1 has them: draft 2020-12. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

const AT = '#/components/schemas/';

/** Formats that say all that zod's pattern for them says. */
const FORMATS: readonly unknown[] = ['uuid', 'date-time', 'uri'];

// Zod's own registry, for the whole process: here that is a script, or a test.
for (const [id, schema] of Object.entries(SCHEMAS))
  z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), id });

/** What zod says of the names in a record that may be any. */
const isAnyName = (names: unknown) => JSON.stringify(names) === '{"type":"string"}';

/** JSON Schema has no patterns that take both cases. */
const ignoresCase = ({ _zod }: z.core.$ZodType) =>
  [...(_zod.bag.patterns instanceof Set ? _zod.bag.patterns : [])].some((pattern: RegExp) => pattern.ignoreCase);

/** All schemas that have a name, by it. */
export function namedSchemas(): Record<string, JsonSchema> {
  const { $defs = {} } = jsonSchema(z.object(SCHEMAS));
  return Object.fromEntries(
    Object.keys(SCHEMAS).map((name) => {
      const { id: _id, ...schema } = $defs[name] ?? {};
      return [name, schema];
    }),
  );
}

/** A schema. What has a name is a reference. */
export function schemaOf(schema: z.ZodType): JsonSchema {
  const { $schema: _draft, $defs: _named, ...written } = jsonSchema(schema);
  return written;
}

/**
 * The JSON Schema of what is sent: a field with a default may be absent, and others than those of a `z.object` may come. (Zod writes it
 * itself. `@asteasolutions/zod-to-openapi`, which comes with Hono's routes, loses `null` where a named schema may be null, and writes the
 * flags of a pattern into it.)
 */
function jsonSchema(schema: z.ZodType): JsonSchema {
  const written = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
    cycles: 'ref',
    override: ({ zodSchema, jsonSchema: one }) => {
      if (ignoresCase(zodSchema)) delete one.pattern;
      if (isAnyName(one.propertyNames)) delete one.propertyNames;
      if (FORMATS.includes(one.format)) delete one.pattern;
      if (one.maximum === Number.MAX_SAFE_INTEGER) delete one.maximum;
      if (one.minimum === Number.MIN_SAFE_INTEGER) delete one.minimum;
    },
  });
  return JSON.parse(JSON.stringify(written).replaceAll('"#/$defs/', `"${AT}`)) as JsonSchema;
}
