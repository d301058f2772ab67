import fc from 'fast-check';
import { z } from 'zod';

/** The parts of JSON Schema that zod writes. */
interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema | boolean;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly format?: string;
}

/** How one value is made, and what is done to each part of it: `fits`, or now and then something else. */
type Twist = (fits: fc.Arbitrary<unknown>) => fc.Arbitrary<unknown>;

/** Short texts and small lists: what is large has tests of its own. */
const MAX_SIZE = 6;

function build(schema: Schema, root: Schema, twist: Twist): fc.Arbitrary<unknown> {
  const of = (part: Schema) => twist(build(part, root, twist));
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.replace('#/$defs/', '')];
    // A schema that has itself as a part: deep enough.
    return target === undefined ? fc.constant(null) : build(target, root, twist);
  }
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => build(choice, root, twist)));
  if (schema.allOf !== undefined)
    return fc
      .tuple(...schema.allOf.map((part) => build(part, root, twist)))
      .map((parts) => Object.assign({}, ...parts));
  switch (schema.type) {
    case 'object': {
      const named = Object.entries(schema.properties ?? {}).map(([name, part]) => [name, of(part)] as const);
      const known = fc.record(Object.fromEntries(named), { requiredKeys: [...(schema.required ?? [])] });
      const more = schema.additionalProperties;
      if (typeof more !== 'object') return known;
      const others = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), of(more), { maxKeys: 3 });
      return fc.tuple(others, known).map(([extra, own]) => ({ ...extra, ...own }));
    }
    case 'array': {
      const item = typeof schema.items === 'object' ? of(schema.items) : fc.jsonValue();
      const minLength = schema.minItems ?? 0;
      return fc.array(item, {
        minLength,
        maxLength: Math.max(minLength, Math.min(schema.maxItems ?? MAX_SIZE, MAX_SIZE)),
      });
    }
    case 'string':
      return text(schema);
    case 'integer':
      return fc.integer({ min: low(schema), max: Math.min(schema.maximum ?? 2 ** 31, 2 ** 31) });
    case 'number':
      return fc.double({ min: low(schema), max: Math.min(schema.maximum ?? 1e6, 1e6), noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case undefined:
    default:
      return fc.jsonValue();
  }
}

const low = ({ minimum, exclusiveMinimum }: Schema) => Math.max(minimum ?? exclusiveMinimum ?? -1000, -(2 ** 31));

function text({ format, minLength = 0, maxLength = 24 }: Schema): fc.Arbitrary<string> {
  if (format === 'uuid') return fc.uuid();
  if (format === 'date-time')
    return fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') })
      .map((date) => date.toISOString());
  if (format === 'uri') return fc.webUrl();
  return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 24)), unit: 'grapheme' });
}

/** Values that a schema takes, or nearly: some parts are left out, of another kind, or anything. */
export function nearly(schema: z.ZodType): fc.Arbitrary<unknown> {
  return made(schema, (fits) => fc.oneof({ weight: 30, arbitrary: fits }, { weight: 1, arbitrary: fc.jsonValue() }));
}

/** Values that a schema takes. */
export function fitting<T>(schema: z.ZodType<T>): fc.Arbitrary<T> {
  const isTaken = (value: unknown): value is T => schema.safeParse(value).success;
  return made(schema, (fits) => fits).filter(isTaken);
}

function made(schema: z.ZodType, twist: Twist): fc.Arbitrary<unknown> {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
    cycles: 'ref',
  }) as Schema;
  return build(json, json, twist);
}
