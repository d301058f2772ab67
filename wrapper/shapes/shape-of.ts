import * as z from 'zod';
import type { Shape } from './shape.ts';

/**
 * The shape of a schema. Rules that are code (`refine`) are not in it: they are about what people ask for, and who writes what a wrapper
 * reads has checked them.
 */
export function shapeOf(schema: z.ZodType): Shape {
  return inlined(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }));
}

/** Says no more than a check reads. */
function inlined(schema: object): Shape {
  const { $schema: _schema, ...shape } = { $schema: null, ...schema };
  if ('$defs' in shape) throw new Error('a shape refers to itself');
  return shape;
}
