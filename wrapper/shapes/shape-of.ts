import * as z from 'zod';
import type { Shape } from './shape.ts';

/**
 * The shape of a schema. Rules that are code (`refine`) are not in it: they are about what people ask for, and who writes what a wrapper
 * reads has checked them.
 */
export function shapeOf(schema: z.ZodType): Shape {
  return inlined(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }));
}

/** The words of JSON Schema that `problemWith` reads, and those that ask for nothing. */
const READ =
  'type const enum required minItems maxItems minLength maxLength pattern minimum maximum exclusiveMinimum default';
const NESTED = 'properties additionalProperties propertyNames items anyOf oneOf allOf';
const KNOWN = new Set(`${READ} ${NESTED} description`.split(' '));

/** Says no more than a check reads. @throws when it says something that no check would read */
function inlined(schema: object): Shape {
  const { $schema: _schema, ...shape } = { $schema: null, ...schema };
  refuseUnknown(shape);
  return shape;
}

function refuseUnknown(shape: Shape): void {
  for (const [word, value] of Object.entries(shape)) {
    // Beside a pattern, a format says the same.
    const isRead = word === 'format' ? value === 'uri' || shape.pattern !== undefined : KNOWN.has(word);
    if (!isRead) throw new Error(`a shape is not checked for \`${word}\`: ${JSON.stringify(value)}`);
  }
  const { properties = {}, additionalProperties, propertyNames, items, anyOf = [], oneOf = [], allOf = [] } = shape;
  const single = [additionalProperties, propertyNames, items].filter((one) => typeof one === 'object');
  for (const part of [...Object.values(properties), ...single, ...anyOf, ...oneOf, ...allOf]) refuseUnknown(part);
}
