/** A JSON Schema, as far as it is compared. */
export interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly [limit: string]: unknown;
}

/** A schema in one form: without references, with its types and its values as sets, with unions apart. */
export interface Plain {
  /** JSON's types; undefined: any. */
  readonly types: ReadonlySet<string> | undefined;
  /** The values that it takes, as JSON; undefined: any of its types. */
  readonly values: ReadonlySet<string> | undefined;
  /** The forms of a union, `null` apart: that is among the types. */
  readonly forms: readonly Schema[] | undefined;
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: ReadonlySet<string>;
  /** Whether it takes properties that it does not name. */
  readonly isOpen: boolean;
  readonly values_of_record: Schema | undefined;
  readonly items: Schema | undefined;
  readonly limits: Readonly<Record<string, unknown>>;
}

/** Schemas by their name, of one document. */
export type Named = Readonly<Record<string, Schema>>;

const LIMITS = [
  'minimum',
  'exclusiveMinimum',
  'minLength',
  'minItems',
  'maximum',
  'maxLength',
  'maxItems',
  'pattern',
  'format',
];

const isNull = ({ type }: Schema) => type === 'null';

/** Writes a schema plainly. What it refers to is looked up, once: its parts stay as they are. */
export function plain(schema: Schema, named: Named): Plain {
  const whole = joined(schema, named);
  const union = whole.anyOf ?? whole.oneOf;
  if (union !== undefined) {
    const forms = union.filter((form) => !isNull(form));
    const takesNull = forms.length < union.length;
    const [only] = forms;
    if (forms.length === 1 && only !== undefined) {
      const one = plain(only, named);
      const types = one.types === undefined || !takesNull ? one.types : new Set([...one.types, 'null']);
      return { ...one, types, values: takesNull && one.values ? new Set([...one.values, 'null']) : one.values };
    }
    return { ...EMPTY, forms, types: takesNull ? new Set(['null']) : new Set() };
  }
  const values = 'const' in whole ? [whole.const] : whole.enum;
  const more = whole.additionalProperties;
  return {
    types: typesOf(whole),
    values: values && new Set(values.map((value) => JSON.stringify(value))),
    forms: undefined,
    properties: whole.properties ?? {},
    required: new Set(whole.required),
    isOpen: more !== false,
    values_of_record: typeof more === 'object' ? more : undefined,
    items: whole.items,
    limits: Object.fromEntries(LIMITS.flatMap((name) => (whole[name] === undefined ? [] : [[name, whole[name]]]))),
  };
}

const EMPTY: Plain = {
  types: undefined,
  values: undefined,
  forms: undefined,
  properties: {},
  required: new Set(),
  isOpen: true,
  values_of_record: undefined,
  items: undefined,
  limits: {},
};

function typesOf({ type, enum: values, const: value }: Schema): ReadonlySet<string> | undefined {
  if (type !== undefined) return new Set(typeof type === 'string' ? [type] : type);
  const known = values ?? (value === undefined ? undefined : [value]);
  return known && new Set(known.map((one) => (one === null ? 'null' : typeof one)));
}

/** With what it refers to, and what it is all of. */
function joined(schema: Schema, named: Named): Schema {
  const { $ref, allOf, ...own } = schema;
  const parts = [...(allOf ?? []), ...($ref === undefined ? [] : [named[$ref.split('/').at(-1) ?? ''] ?? {}])];
  return parts
    .map((part) => joined(part, named))
    .reduce(
      (sum, part) => ({
        ...part,
        ...sum,
        properties: { ...part.properties, ...sum.properties },
        required: [...(part.required ?? []), ...(sum.required ?? [])],
      }),
      own,
    );
}
