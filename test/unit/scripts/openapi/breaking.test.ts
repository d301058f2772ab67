import { describe, expect, it } from 'vitest';
import { breakingChanges, type Document } from '../../../../scripts/openapi/compare/breaking.ts';
import type { Schema } from '../../../../scripts/openapi/compare/plain.ts';

const text = { type: 'string' } as const;
const object = (properties: Record<string, Schema>, more: object = {}): Schema => ({
  type: 'object',
  properties,
  ...more,
});

interface Api {
  readonly body?: Schema;
  readonly answer?: Schema;
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema: Schema }[];
  readonly schemas?: Record<string, Schema>;
  readonly statuses?: readonly string[];
}

const json = (schema: Schema) => ({ content: { 'application/json': { schema } } });

/** A document with one call. */
function api({
  body = object({}),
  answer = object({}),
  parameters = [],
  schemas = {},
  statuses = ['200'],
}: Api): Document {
  const responses = Object.fromEntries(statuses.map((status) => [status, json(answer)]));
  return { paths: { '/a': { post: { parameters, requestBody: json(body), responses } } }, components: { schemas } };
}

const limit = (schema: Schema, required = false) => ({
  parameters: [{ name: 'limit', in: 'query', required, schema }],
});

const changes = (before: Api, after: Api) => breakingChanges(api(before), api(after));

describe('what breaks callers', () => {
  it('is a call that is gone, and an answer', () => {
    expect(breakingChanges(api({}), { paths: {} })).toEqual(['POST /a: removed']);
    expect(changes({ statuses: ['200', '202', '404'] }, {})).toEqual(['POST /a answer 202: removed']);
  });

  it('is a parameter that is gone, new and required, or narrower', () => {
    expect(changes(limit(text), {})).toEqual(['POST /a query limit: removed']);
    expect(changes({}, limit(text, true))).toEqual(['POST /a query limit: now required']);
    expect(changes(limit(text), limit(text, true))).toEqual(['POST /a query limit: now required']);
    expect(changes(limit({ type: 'integer', maximum: 9 }), limit({ type: 'integer', maximum: 5 }))).toEqual([
      'POST /a query limit: maximum 5',
    ]);
  });

  it.each<[string, Schema, Schema, string[]]>([
    ['a field that is refused now', object({ a: text }), object({}, { additionalProperties: false }), ['.a: removed']],
    ['a field that is needed now', object({}), object({ a: text }, { required: ['a'] }), ['.a: now required']],
    ['a type that is gone', { type: ['string', 'null'] }, text, [': no longer null']],
    ['a value that is gone', { enum: ['a', 'b'] }, { const: 'a' }, [': no longer "b"']],
    ['text that has to be one of some now', text, { enum: ['a'] }, [': only "a"']],
    ['a form of a union that is gone', { anyOf: [text, { type: 'number' }] }, text, [': no longer number']],
    ['a bound that is new', text, { type: 'string', maxLength: 3 }, [': maxLength 3']],
    [
      'any of it inside',
      { type: 'array', items: object({ a: text }) },
      { type: 'array', items: object({ a: { type: 'integer' } }) },
      ['[].a: no longer string'],
    ],
  ])('is of a body: %s', (_, before, after, lines) => {
    expect(changes({ body: before }, { body: after })).toEqual(lines.map((line) => `POST /a body${line}`));
    expect(changes({ body: before }, { body: before })).toEqual([]);
  });

  it.each<[string, Schema, Schema, string[]]>([
    ['a field that is gone', object({ a: text }), object({}), ['.a: removed']],
    [
      'a field that may be absent',
      object({ a: text }, { required: ['a'] }),
      object({ a: text }),
      ['.a: may be absent'],
    ],
    [
      'a field that may be null',
      object({ a: text }),
      object({ a: { anyOf: [text, { type: 'null' }] } }),
      ['.a: now also null'],
    ],
    ['a field of another type', object({ a: text }), object({ a: { type: 'integer' } }), ['.a: now also integer']],
  ])('is of an answer: %s', (_, before, after, lines) => {
    expect(changes({ answer: before }, { answer: after })).toEqual(lines.map((line) => `POST /a answer 200${line}`));
  });

  it('is found behind names, and in schemas that have themselves as a part', () => {
    const named = (field: Schema) => ({
      answer: { $ref: '#/components/schemas/Node' },
      schemas: { Node: object({ field, children: { type: 'array', items: { $ref: '#/components/schemas/Node' } } }) },
    });
    expect(changes(named(text), named({ type: 'boolean' }))).toEqual(['POST /a answer 200.field: now also boolean']);
    const inline = { answer: { allOf: [object({ field: text }), object({ children: { type: 'array' } })] } };
    expect(changes(inline, named(text))).toEqual([]);
  });
});

describe('what breaks nobody', () => {
  it('is more: calls, fields that may be absent, values, forms, answers', () => {
    expect(breakingChanges({ paths: {} }, api({}))).toEqual([]);
    const strict = { additionalProperties: false };
    expect(changes({ body: object({}, strict) }, { body: object({ a: text }, strict) })).toEqual([]);
    expect(changes({ body: { enum: ['a'] } }, { body: { enum: ['a', 'b'] } })).toEqual([]);
    expect(changes({ body: text }, { body: { anyOf: [{ type: 'integer' }, text] } })).toEqual([]);
    expect(changes({ answer: object({}) }, { answer: object({ a: text }, { required: ['a'] }) })).toEqual([]);
    expect(changes({ answer: { enum: ['a'] } }, { answer: { enum: ['a', 'b'] } })).toEqual([]);
    expect(changes({}, { statuses: ['200', '202'] })).toEqual([]);
    expect(changes({ body: { type: 'integer' } }, { body: { type: 'number' } })).toEqual([]);
  });
});
