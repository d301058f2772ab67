import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ComponentAct, decodeCustomId, encodeCustomId } from '../../../../../durable/discord/core/custom-id.ts';
import { INTERACTION, SESSION } from './view.ts';

const of = { session_id: SESSION, interaction_id: INTERACTION };
const acts: ComponentAct[] = [
  { kind: 'option', question: 0, option: 4 },
  { kind: 'option', question: 7, option: 24 },
  { kind: 'select', question: 3 },
  { kind: 'other', question: 0 },
  { kind: 'text', question: 0 },
  { kind: 'decision', decision: 'allow' },
  { kind: 'decision', decision: 'allow_session' },
  { kind: 'decision', decision: 'deny' },
  { kind: 'send' },
  { kind: 'page', page: 2 },
];

describe('a component’s id', () => {
  it.each(acts)('comes back as it was: %j', (act) => {
    expect(decodeCustomId(encodeCustomId({ ...of, ...act }))).toEqual({ ...of, ...act });
  });

  it('of any session and interaction comes back, and is short enough', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), fc.constantFrom(...acts), (session_id, interaction_id, act) => {
        const text = encodeCustomId({ session_id, interaction_id, ...act });
        expect(text.length).toBeLessThanOrEqual(100);
        expect(decodeCustomId(text)).toEqual({ session_id, interaction_id, ...act });
      }),
    );
  });

  it('is another for each act', () => {
    expect(new Set(acts.map((act) => encodeCustomId({ ...of, ...act }))).size).toBe(acts.length);
  });
});

describe('an id that is not ours', () => {
  const ours = encodeCustomId({ ...of, kind: 'option', question: 0, option: 1 });

  it.each([
    '',
    'click_me',
    'cc1',
    'cc1...',
    ours.replace('cc1', 'cc2'),
    ours.replace('.o.', '.x.'),
    `${ours}.1`,
    `${ours} `,
    ours.slice(0, -1),
    ours.replace(/1$/, '01'),
    ours.replace(/1$/, '-1'),
    ours.replace(/1$/, '100'),
    ours.replace(/^cc1\.[^.]+/, 'cc1.short'),
    // The last digit of base64 has bits to spare: with others there it is not how we write it.
    ours.replace(/(^cc1\.[^.]+)[^.]\./, '$1B.'),
    encodeCustomId({ ...of, kind: 'decision', decision: 'deny' }).replace('deny', 'maybe'),
  ])('says nothing: %s', (text) => {
    expect(decodeCustomId(text)).toBeNull();
  });

  it('says nothing, whatever it is', () => {
    fc.assert(fc.property(fc.string({ maxLength: 100 }), (text) => decodeCustomId(text) === null));
  });
});
