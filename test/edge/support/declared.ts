import type { RouteConfig } from '@hono/zod-openapi';
import { z } from 'zod';
import { createApp } from '../../../functions/app.ts';
import { codesOf } from '../../../functions/openapi/refusals.ts';
import { PROBLEMS, problem, type ProblemCode } from '../../../protocol/api/problem.ts';

/** An answer as it came. */
interface Given {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

interface Declared {
  readonly route: RouteConfig;
  readonly path: RegExp;
  readonly codes: readonly ProblemCode[];
}

let known: Declared[] | null = null;

function routes(): Declared[] {
  return (known ??= createApp()
    .openAPIRegistry.definitions.filter((definition) => definition.type === 'route')
    .map(({ route }) => ({ route, path: pattern(route.path), codes: codesOf(route) })));
}

/** The workspace itself is a file's path too, the empty one. */
const pattern = (path: string) =>
  new RegExp(`^${path.replace('/{path}', '(?:/[^?]*)?').replaceAll(/\{\w+\}/g, '[^/?]+')}(?:\\?|$)`);

/**
 * Compares an answer with what the call declares, as the document of the API has it: a refusal's code, or the form of the body. Null: it fits,
 * or is of no call that the document has.
 */
export function undeclared(method: string, path: string, given: Given): string | null {
  const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
  // As the request has it: `.` and `..` are no names.
  const { pathname, search } = new URL(path, 'http://edge');
  const found = routes().find((one) => one.route.method === verb && one.path.test(pathname + search));
  if (found === undefined) return null;
  const { route, codes } = found;
  const { status, type, text } = given;
  const shown = `${method} ${path}: ${status} ${text.slice(0, 300)}`;
  if (type.startsWith('application/problem+json')) {
    const { code } = problem.parse(JSON.parse(text));
    if (PROBLEMS[code][0] !== status) return `${shown} has another status than its code says`;
    return codes.includes(code) ? null : `${shown} is not among the codes that its route names (refusals)`;
  }
  if (!(String(status) in route.responses)) return `${shown} has a status that its route does not declare`;
  const schema = bodyOf(route, status, type);
  if (schema === null)
    return status === 204 || text === '' ? null : `${shown} has a ${type} that its route does not declare`;
  if (!type.startsWith('application/json')) return null;
  const checked = schema.safeParse(JSON.parse(text));
  return checked.success ? null : `${shown} is not what its route declares: ${checked.error.message}`;
}

/** The schema that a route declares for an answer; null: it declares none for that. */
export function bodyOf({ responses }: RouteConfig, status: number, type: string): z.ZodType | null {
  const response = responses[status] as { content?: object } | undefined;
  const media: unknown = Object.entries(response?.content ?? {}).find(([name]) => name === type.split(';')[0])?.[1];
  const schema = typeof media === 'object' && media !== null && 'schema' in media ? media.schema : null;
  return schema instanceof z.ZodType ? schema : null;
}
