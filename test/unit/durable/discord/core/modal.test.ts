import { describe, expect, it } from 'vitest';
import { decodeCustomId } from '../../../../../durable/discord/core/custom-id.ts';
import { submittedText, textModal } from '../../../../../durable/discord/core/modal.ts';
import { modalBody } from '../../../../support/discord/rules.ts';
import { question, view } from './view.ts';

const typed = (value: string) => ({ type: 18, component: { type: 4, custom_id: 'text', value } });

describe('the modal for a text', () => {
  it('is one that Discord takes, and knows what it is for', () => {
    const modal = modalBody.parse(textModal(view(), question([], { header: 'Colour' }), 2));
    expect(modal.title).toBe('Colour');
    expect(modal.components[0]).toMatchObject({ label: 'Colour', description: 'Which colour?' });
    expect(decodeCustomId(modal.custom_id)).toMatchObject({ kind: 'text', question: 2 });
  });

  it('is one that Discord takes, however long the question is', () => {
    const long = question([], { question: '🎈'.repeat(4000), header: '🎈'.repeat(32) });
    expect(modalBody.safeParse(textModal(view(), long, 0, 'x'.repeat(4000))).success).toBe(true);
    expect(modalBody.safeParse(textModal(view(), question([], { question: ' ', header: '' }), 0)).success).toBe(true);
  });

  it('has what was typed before, unless that is longer than a modal takes', () => {
    expect(textModal(view(), question(), 0, 'Green').components[0]).toMatchObject({ component: { value: 'Green' } });
    expect(textModal(view(), question(), 0, 'x'.repeat(4001)).components[0]).not.toHaveProperty('component.value');
  });
});

describe('what was typed', () => {
  it('is read', () => {
    expect(submittedText({ custom_id: 'x', components: [typed('Green\nor so')] })).toBe('Green\nor so');
  });

  it('is read from a row too, as older clients send it', () => {
    expect(
      submittedText({ custom_id: 'x', components: [{ components: [{ custom_id: 'text', value: 'Green' }] }] }),
    ).toBe('Green');
  });

  it.each([[[]], [[typed(' \n')]], [[{ component: { custom_id: 'other', value: 'Green' } }]]])(
    'is nothing in %j',
    (components) => {
      expect(submittedText({ custom_id: 'x', components })).toBeNull();
    },
  );
});
