import type { RouteConfig } from '@hono/zod-openapi';
import * as z from 'zod';
import { exampleOf } from './examples/of.ts';
import { reachOf, refusedAnswers, type Answer } from './refusals.ts';
import { schemaOf, type JsonSchema } from './schemas.ts';

/** A call as the document describes it. */
export interface Operation {
  readonly operationId: string;
  readonly [part: string]: unknown;
}

/** The answers to refused calls, by their names: `#/components/responses/NAME`. */
export type SharedAnswers = Record<string, Answer>;

/** The operation of a route. @param shared gets what it refers to */
export function operationOf(route: RouteConfig, shared: SharedAnswers): Operation {
  const { operationId, tags, summary, description, security, request = {} } = route;
  if (operationId === undefined) throw new Error(`${route.method} ${route.path} has no operationId`);
  const example = exampleOf(operationId);
  const parameters = [
    ...parametersIn('path', request.params),
    ...parametersIn('query', request.query),
    ...parametersIn('header', request.headers),
  ].map((one) => withValue(one, example?.parameters[one.name]));
  return {
    operationId,
    tags,
    summary,
    description: [description, whoMay(route)].filter((part) => part !== undefined).join('\n\n'),
    security: security ?? [],
    ...(parameters.length > 0 && { parameters }),
    ...(request.body !== undefined && { requestBody: withExample(withContent(request.body), example?.body) }),
    responses: responsesOf(route, shared),
  };
}

/** In words what `security` says, for whoever reads the page: it does not show scopes. */
function whoMay(route: RouteConfig): string {
  const { security = [] } = route;
  const scopes = security.flatMap((one) => one['bearer'] ?? []).map((scope) => `\`${scope}\``);
  if (scopes.length === 0) return 'No token is needed.';
  return [
    `Needs a token with ${scopes.length === 1 ? 'the scope' : 'the scopes'} ${scopes.join(', ')}.`,
    ...(security.some((one) => 'ticket' in one) ? ['A ticket of the session will do as well.'] : []),
    ...(reachOf(route) === 'owner' ? ['One that is bound to a session (`sid`) will not do.'] : []),
  ].join(' ');
}

function responsesOf(route: RouteConfig, shared: SharedAnswers): Record<string, object> {
  const answers: Record<string, object> = {};
  const example = exampleOf(route.operationId ?? '');
  for (const [status, answer] of Object.entries(route.responses))
    if (status !== 'default')
      answers[status] = withExample(withContent(answer), status === example?.status ? example.answer : undefined);
  for (const [status, { name, answer }] of Object.entries(refusedAnswers(route))) {
    const own: Answer | undefined = answers[status];
    // A status with which the call also answers when it does what it is for, such as 503 of `GET /health`.
    if (own !== undefined) {
      answers[status] = both(own, answer);
      continue;
    }
    shared[name] = answer;
    answers[status] = { $ref: `#/components/responses/${name}` };
  }
  return answers;
}

const both = (own: Answer, refused: Answer): Answer => ({
  ...refused,
  description: `${own.description}. Refused: ${refused.description}`,
  content: { ...own.content, ...refused.content },
});

interface Parameter {
  readonly name: string;
  readonly schema: JsonSchema;
}

/** With the example's value, which stands in a URL as text. */
function withValue(parameter: Parameter, value: string | undefined): object {
  if (value === undefined) return parameter;
  return { ...parameter, example: parameter.schema.type === 'integer' ? Number(value) : value };
}

/** A body in JSON, with an example of it. */
function withExample(described: Answer, example: unknown): Answer {
  const form: unknown = Object.entries(described.content ?? {}).find(([type]) => type === 'application/json')?.[1];
  if (example === undefined || typeof form !== 'object') return described;
  return { ...described, content: { ...described.content, 'application/json': { ...form, example } } };
}

function parametersIn(place: 'path' | 'query' | 'header', group: unknown): Parameter[] {
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
function withContent(described: object): Answer {
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
