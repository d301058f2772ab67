import type { RouteConfig } from '@hono/zod-openapi';
import * as z from 'zod';
import { schemaOf, type JsonSchema } from './schemas.ts';

/** A call as the document describes it. */
export interface Operation {
  readonly operationId: string;
  readonly [part: string]: unknown;
}

/** The operation of a route. */
export function operationOf(route: RouteConfig): Operation {
  const { operationId, tags, summary, description, security, request = {}, responses } = route;
  if (operationId === undefined) throw new Error(`${route.method} ${route.path} has no operationId`);
  const parameters = [
    ...parametersIn('path', request.params),
    ...parametersIn('query', request.query),
    ...parametersIn('header', request.headers),
  ];
  return {
    operationId,
    tags,
    summary,
    ...(description !== undefined && { description }),
    security: security ?? [],
    ...(parameters.length > 0 && { parameters }),
    ...(request.body !== undefined && { requestBody: withContent(request.body) }),
    responses: Object.fromEntries(Object.entries(responses).map(([status, answer]) => [status, withContent(answer)])),
  };
}

function parametersIn(place: 'path' | 'query' | 'header', group: unknown): object[] {
  if (group === undefined) return [];
  if (!(group instanceof z.ZodObject)) throw new Error(`the parameters in the ${place} are no object`);
  const { properties = {}, required = [] } = schemaOf(group);
  return Object.entries(properties as Record<string, JsonSchema>).map(
    ([name, { description, example, ...schema }]) => ({
      name,
      in: place,
      required: required.includes(name),
      ...(description !== undefined && { description }),
      schema,
      ...(example !== undefined && { example }),
    }),
  );
}

/** A body, with the JSON Schemas of its forms. */
function withContent(described: object): object {
  if (!('content' in described)) return described;
  const { content, ...rest } = described;
  const forms = Object.entries(content as Record<string, { schema: unknown }>);
  return {
    ...rest,
    content: Object.fromEntries(
      forms.map(([type, { schema, ...form }]) => {
        if (!(schema instanceof z.ZodType)) throw new Error(`a body of ${type} has no schema`);
        return [type, { ...form, schema: schemaOf(schema) }];
      }),
    ),
  };
}
