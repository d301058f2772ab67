/**
 * What JSON has to look like: the part of JSON Schema that zod writes. A shape is data, and checking by it costs nothing before the first
 * check. Of zod's own schemas, those of `launch.json` and of the session's frames cost a container's start 40 ms and 6 MB.
 */
export interface Shape {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  /** False: it has no other properties. */
  readonly additionalProperties?: Shape | boolean;
  readonly propertyNames?: Shape;
  readonly items?: Shape;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  /** `uri` is checked. Any other has its pattern beside it. */
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  readonly allOf?: readonly Shape[];
  readonly default?: unknown;
}

/** What a check depends on. */
export interface CheckOptions {
  /** What is wrong where a shape has all its properties named, and there is another one. False: nothing, who wrote it is newer. */
  readonly exact: boolean;
}

/**
 * Puts the defaults of what is absent into a value. @returns what is wrong, first where it is; null: nothing
 *
 * @param at the path to it, for that
 */
export function problemWith(value: unknown, shape: Shape, options: CheckOptions, at = ''): string | null {
  const choices = shape.anyOf ?? shape.oneOf;
  if (choices !== undefined) {
    const problems = choices.map((choice) => ({ choice, problem: problemWith(value, choice, options, at) }));
    if (problems.some(({ problem }) => problem === null)) return null;
    // The one that it is meant to be says best what is wrong.
    const meant = problems.find(({ choice }) => isMeant(value, choice)) ?? problems[0];
    return meant?.problem ?? `${at}: nothing fits`;
  }
  if (shape.enum !== undefined && !shape.enum.includes(value)) return `${at}: must be one of ${shape.enum.join(', ')}`;
  if ('const' in shape && value !== shape.const) return `${at}: must be ${JSON.stringify(shape.const)}`;
  if (!isOfType(value, shape.type)) return `${at}: must be ${shape.type ?? 'something'}`;
  for (const part of shape.allOf ?? []) {
    const problem = problemWith(value, part, options, at);
    if (problem !== null) return problem;
  }
  if (typeof value === 'string') return problemWithText(value, shape, at);
  if (typeof value === 'number') return problemWithNumber(value, shape, at);
  if (Array.isArray(value)) return problemWithItems(value, shape, options, at);
  return isRecord(value) ? problemWithObject(value, shape, options, at) : null;
}

function isOfType(value: unknown, type: string | undefined): boolean {
  if (type === undefined) return true;
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'number') return Number.isFinite(value);
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  return type === 'object' ? isRecord(value) : typeof value === type;
}

/** Each constant by which the choice is told apart is there. */
function isMeant(value: unknown, { properties = {} }: Shape): boolean {
  const constants = Object.entries(properties).filter(([, property]) => 'const' in property);
  return (
    isRecord(value) && constants.length > 0 && constants.every(([name, property]) => value[name] === property.const)
  );
}

function problemWithText(
  value: string,
  { minLength = 0, maxLength = Infinity, pattern, format }: Shape,
  at: string,
): string | null {
  if (value.length < minLength || value.length > maxLength) return `${at}: its length is ${value.length}`;
  if (format === 'uri' && !URL.canParse(value)) return `${at}: must be a URL`;
  return pattern === undefined || new RegExp(pattern, 'u').test(value) ? null : `${at}: must fit ${pattern}`;
}

function problemWithNumber(value: number, shape: Shape, at: string): string | null {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = shape;
  return value >= minimum && value <= maximum && value > exclusiveMinimum ? null : `${at}: must not be ${value}`;
}

function problemWithItems(value: unknown[], shape: Shape, options: CheckOptions, at: string): string | null {
  const { items = {}, minItems = 0, maxItems = Infinity } = shape;
  if (value.length < minItems || value.length > maxItems) return `${at}: it has ${value.length} items`;
  for (const [index, item] of value.entries()) {
    const problem = problemWith(item, items, options, within(at, String(index)));
    if (problem !== null) return problem;
  }
  return null;
}

function problemWithObject(
  value: Record<string, unknown>,
  shape: Shape,
  options: CheckOptions,
  at: string,
): string | null {
  const { properties = {}, required = [], additionalProperties = true, propertyNames = {} } = shape;
  for (const [name, property] of Object.entries(properties)) {
    if (value[name] === undefined && property.default !== undefined) value[name] = structuredClone(property.default);
    if (value[name] === undefined) {
      if (required.includes(name)) return `${within(at, name)}: is missing`;
      continue;
    }
    const problem = problemWith(value[name], property, options, within(at, name));
    if (problem !== null) return problem;
  }
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(properties, name)) continue;
    if (additionalProperties === false && options.exact) return `${within(at, name)}: is not known`;
    const problem =
      problemWith(name, propertyNames, options, within(at, name)) ??
      (typeof additionalProperties === 'object'
        ? problemWith(value[name], additionalProperties, options, within(at, name))
        : null);
    if (problem !== null) return problem;
  }
  return null;
}

const within = (at: string, name: string): string => (at === '' ? name : `${at}.${name}`);

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
