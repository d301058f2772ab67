import type * as z from 'zod';

/** What came over a link. */
export type Received<Frame> =
  /** `unknown`: how many of its fields this end does not know. */
  | { readonly is: 'frame'; readonly frame: Frame; readonly unknown: number }
  /** A frame of a kind that this end does not know: the other one is newer. It is counted and passed over. */
  | { readonly is: 'unknown'; readonly kind: string }
  /** Not a frame of any version. */
  | { readonly is: 'invalid' };

/** A kind of frame. */
type Option = z.ZodObject<{ kind: z.ZodLiteral<string> } & z.ZodRawShape>;

const INVALID = { is: 'invalid' } as const;

/**
 * Reads frames that may be of a newer version: fields that this one does not know are left out, also where the schema is strict.
 *
 * @param schema its kinds tell the frames apart
 */
export function frameReader<const Options extends readonly Option[]>(schema: z.ZodDiscriminatedUnion<Options, 'kind'>) {
  type Frame = z.infer<Options[number]>;
  const shapes = new Map<unknown, z.ZodRawShape>(schema.options.map(({ shape }) => [shape.kind.value, shape]));

  return (json: unknown): Received<Frame> => {
    if (typeof json !== 'object' || json === null || !('kind' in json)) return INVALID;
    const shape = shapes.get(json.kind);
    if (shape === undefined) return typeof json.kind === 'string' ? { is: 'unknown', kind: json.kind } : INVALID;
    let unknown = 0;
    for (const field in json) if (!Object.hasOwn(shape, field)) unknown += 1;
    const parsed = schema.safeParse(json);
    if (parsed.success) return { is: 'frame', frame: parsed.data, unknown };
    const inner = withoutUnknown(json, parsed.error);
    const again = inner === 0 ? undefined : schema.safeParse(json).data;
    return again === undefined ? INVALID : { is: 'frame', frame: again, unknown: unknown + inner };
  };
}

/** Deletes the fields that a strict schema does not know. @returns how many; 0: that is not all that is wrong, or nothing is */
function withoutUnknown(json: object, error: z.ZodError): number {
  let deleted = 0;
  for (const issue of error.issues) {
    if (issue.code !== 'unrecognized_keys') return 0;
    let at: unknown = json;
    for (const step of issue.path) at = Reflect.get(Object(at), step);
    for (const key of issue.keys) if (Reflect.deleteProperty(Object(at), key)) deleted += 1;
  }
  return deleted;
}
