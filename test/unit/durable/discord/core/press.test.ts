import { describe, expect, it } from 'vitest';
import { resolutionOf } from '../../../../../durable/shared/interactions/answers.ts';
import type { Draft } from '../../../../../durable/discord/core/components.ts';
import type { ComponentAct } from '../../../../../durable/discord/core/custom-id.ts';
import { type Given, press } from '../../../../../durable/discord/core/press.ts';
import type { InteractionView } from '../../../../../protocol/api/session/interaction.ts';
import { asking, INTERACTION, named, permission, question, SESSION, view } from './view.ts';

const of = { session_id: SESSION, interaction_id: INTERACTION };
const pressed = (interaction: InteractionView, act: ComponentAct, given: Given = {}, draft: Draft = []) =>
  press(interaction, draft, { ...of, ...act }, given);

/** What is resolved, once it has been found to be an answer. */
function resolved(interaction: InteractionView, ...how: [ComponentAct, Given?, Draft?]) {
  const result = pressed(interaction, ...how);
  if (result.press !== 'resolve') throw new Error(result.press);
  expect(resolutionOf(interaction.subject, result.request)).toHaveProperty('resolution');
  return result.request;
}

describe('of one question', () => {
  it('a button is its option', () => {
    expect(resolved(asking(question()), { kind: 'option', question: 0, option: 1 })).toEqual({ answer: 'Blue' });
  });

  it('a menu is what was chosen', () => {
    expect(resolved(asking(question(named(9))), { kind: 'select', question: 0 }, { values: ['6'] })).toEqual({
      answer: 'Option 7',
    });
  });

  it('a menu for several is all that was chosen', () => {
    const several = asking(question(named(4), { multi_select: true }));
    expect(resolved(several, { kind: 'select', question: 0 }, { values: ['3', '0'] })).toEqual({
      answer: ['Option 1', 'Option 4'],
    });
  });

  it('“Other” opens a modal, whose text is the answer', () => {
    expect(pressed(asking(question()), { kind: 'other', question: 0 })).toMatchObject({
      press: 'ask_text',
      index: 0,
      typed: '',
    });
    expect(resolved(asking(question()), { kind: 'text', question: 0 }, { text: 'Green' })).toEqual({ answer: 'Green' });
  });

  it.each<[string, ComponentAct, Given]>([
    ['an option that there is not', { kind: 'option', question: 0, option: 2 }, {}],
    ['a question that there is not', { kind: 'option', question: 1, option: 0 }, {}],
    ['two where one may be chosen', { kind: 'select', question: 0 }, { values: ['0', '1'] }],
    ['nothing chosen', { kind: 'select', question: 0 }, { values: [] }],
    ['an unknown value', { kind: 'select', question: 0 }, { values: ['9'] }],
    ['a blank text', { kind: 'text', question: 0 }, { text: null }],
    ['a decision', { kind: 'decision', decision: 'allow' }, {}],
    ['a form’s button', { kind: 'send' }, {}],
    ['a page that there is not', { kind: 'page', page: 1 }, {}],
  ])('%s is unknown', (_what, act, given) => {
    expect(pressed(asking(question()), act, given)).toEqual({ press: 'unknown' });
  });

  it('no other text is asked for where none is taken', () => {
    const closed = asking(question(['Yes'], { free_text: false }));
    expect(pressed(closed, { kind: 'other', question: 0 })).toEqual({ press: 'unknown' });
  });
});

it('of a menu for several, all that was chosen is known', () => {
  const several = asking(question(named(3), { multi_select: true }));
  expect(pressed(several, { kind: 'select', question: 0 }, { values: ['0', '9'] })).toEqual({ press: 'unknown' });
});

describe('of several questions', () => {
  const form = asking(question(), question(named(3), { multi_select: true }), question([]));

  it('each is kept, until all are sent', () => {
    let draft: Draft = [];
    const keep = (act: ComponentAct, given: Given) => {
      const result = pressed(form, act, given, draft);
      if (result.press !== 'draft') throw new Error(result.press);
      draft = result.draft;
    };
    keep({ kind: 'select', question: 0 }, { values: ['1'] });
    keep({ kind: 'select', question: 1 }, { values: ['0', '2'] });
    keep({ kind: 'send' }, {});
    expect(draft).toEqual(['Blue', ['Option 1', 'Option 3'], null]);
    keep({ kind: 'text', question: 2 }, { text: 'a kitten' });
    keep({ kind: 'text', question: 0 }, { text: 'Green' });
    expect(resolved(form, { kind: 'send' }, {}, draft)).toEqual({
      answer: ['Green', ['Option 1', 'Option 3'], 'a kitten'],
    });
  });

  it('what was typed before stands in the modal', () => {
    const draft: Draft = ['Green', null, 'a kitten'];
    expect(pressed(form, { kind: 'other', question: 0 }, {}, draft)).toMatchObject({ typed: 'Green' });
    expect(pressed(form, { kind: 'other', question: 0 }, {}, ['Blue', null, null])).toMatchObject({ typed: '' });
  });

  it('on pages, the page stays, and sending too early turns to what is missing', () => {
    const eight = asking(...Array.from({ length: 8 }, () => question()));
    expect(pressed(eight, { kind: 'select', question: 4 }, { values: ['0'] })).toMatchObject({
      press: 'draft',
      page: 1,
    });
    expect(pressed(eight, { kind: 'page', page: 2 })).toMatchObject({ press: 'draft', page: 2 });
    expect(pressed(eight, { kind: 'send' }, {}, ['a', 'b', 'c', 'd'])).toMatchObject({ press: 'draft', page: 1 });
  });
});

describe('of a permission', () => {
  it.each(['allow', 'allow_session', 'deny'] as const)('a button is its decision: %s', (decision) => {
    expect(resolved(permission({}), { kind: 'decision', decision })).toEqual({ decision });
  });

  it('nothing else is', () => {
    expect(pressed(permission({}), { kind: 'option', question: 0, option: 0 })).toEqual({ press: 'unknown' });
  });
});

it('a button of what is no longer asked says so', () => {
  const act = { kind: 'option', question: 0, option: 0 } as const;
  for (const state of ['resolved', 'expired', 'withdrawn'] as const) {
    expect(pressed(view({ state }), act)).toEqual({ press: 'closed' });
  }
});

it('a button of another interaction is unknown', () => {
  const id = { kind: 'option' as const, question: 0, option: 0, session_id: SESSION, interaction_id: SESSION };
  expect(press(view(), [], id, {})).toEqual({ press: 'unknown' });
});
