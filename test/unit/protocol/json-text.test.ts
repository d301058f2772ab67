import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { arrayText, jsonText, objectText, withMembers } from '../../../protocol/json-text.ts';

const object = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, noNullPrototype: true });

test('texts that are put together say what their parts say', () => {
  fc.assert(
    fc.property(fc.array(object), object, (list, one) => {
      const data = arrayText(list.map((each) => jsonText(each)));
      const whole: unknown = JSON.parse(objectText({ data, one: jsonText(one) }));
      expect(whole).toEqual(JSON.parse(JSON.stringify({ data: list, one })));
      const more: unknown = JSON.parse(withMembers(jsonText({ a: one }), { b: jsonText('"}'), c: data }));
      expect(more).toEqual(JSON.parse(JSON.stringify({ a: one, b: '"}', c: list })));
    }),
  );
});
