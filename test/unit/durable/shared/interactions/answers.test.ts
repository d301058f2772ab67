import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolutionOf } from '../../../../../durable/shared/interactions/answers.ts';
import {
  MAX_OPEN,
  open,
  resolve,
  type InteractionContext,
} from '../../../../../durable/shared/interactions/interaction.ts';
import {
  MAX_SHOWN_INPUT,
  resolution,
  resolveRequest,
  type InteractionSubject,
  type Question,
} from '../../../../../protocol/api/session/interaction.ts';

const question = (change: Partial<Question> = {}): Question => ({
  question: 'Which?',
  options: [{ label: 'A' }, { label: 'B' }],
  multi_select: false,
  free_text: false,
  ...change,
});
const asks = (...questions: Question[]): InteractionSubject => ({ kind: 'question', questions });
const permission = (can_allow_session = true): InteractionSubject => ({
  kind: 'permission',
  tool_name: 'Bash',
  input: {},
  can_allow_session,
});
const several = question({ multi_select: true });

describe('an answer', () => {
  it.each([
    ['a label', asks(question()), { answer: 'A' }, ['A']],
    ['a label in a list', asks(question()), { answer: ['A'] }, ['A']],
    ['labels', asks(several), { answer: ['B', 'A', 'B'] }, [['B', 'A']]],
    ['one label of several', asks(several), { answer: 'A' }, [['A']]],
    ['any text where there are no options', asks(question({ options: [] })), { answer: 'so' }, ['so']],
    ['any text where that is free', asks(question({ free_text: true })), { answer: 'so' }, ['so']],
    ['one for each question', asks(question(), several), { answer: ['A', ['A', 'B']] }, ['A', ['A', 'B']]],
  ])('fits: %s', (_, subject, request, answers) => {
    expect(resolutionOf(subject, request)).toEqual({ resolution: { kind: 'answers', answers } });
  });

  it.each([
    ['no label', asks(question()), { answer: 'C' }, '"A", "B"'],
    ['two labels of one choice', asks(question()), { answer: ['A', 'B'] }, 'one of "A", "B"'],
    ['no label among labels', asks(several), { answer: ['A', 'C'] }, 'one or more of'],
    ['a blank text', asks(question({ options: [] })), { answer: ' ' }, 'not blank'],
    ['too few answers', asks(question(), question()), { answer: ['A'] }, '2 questions'],
    ['a text for two questions', asks(question(), question()), { answer: 'A' }, '2 questions'],
    ['a decision on a question', asks(question()), { decision: 'allow' as const }, '"answer"'],
    ['an answer to a permission', permission(), { answer: 'yes' }, '"allow_session"'],
    ['too wide a leave', permission(false), { decision: 'allow_session' as const }, '"allow" or "deny"'],
  ])('does not fit, and is told what would: %s', (_, subject, request, would) => {
    expect(resolutionOf(subject, request)).toMatchObject({
      refused: 'answer_invalid',
      detail: expect.stringContaining(would),
      errors: [expect.anything()],
    });
  });

  it('that is taken is one that the wrapper’s link carries, whatever was asked and sent', () => {
    const text = fc.string({ maxLength: 300 });
    const anyQuestion = fc.record({
      question: fc.constant('?'),
      options: fc.uniqueArray(
        fc.constantFrom('A', 'B', 'C').map((label) => ({ label })),
        { selector: (o) => o.label },
      ),
      multi_select: fc.boolean(),
      free_text: fc.boolean(),
    });
    const one = fc.oneof(
      text,
      fc.constantFrom('A', 'B'),
      fc.array(fc.oneof(text, fc.constantFrom('A', 'B')), { maxLength: 25 }),
    );
    fc.assert(
      fc.property(
        fc.array(anyQuestion, { minLength: 1, maxLength: 4 }),
        fc.oneof(one, fc.array(one, { minLength: 1 })),
        (questions, answer) => {
          const request = resolveRequest.safeParse({ answer });
          if (!request.success) return;
          const fitted = resolutionOf(asks(...questions), request.data);
          if ('refused' in fitted) return;
          const { resolution: taken } = fitted;
          expect(resolution.parse(taken)).toEqual(taken);
          expect(taken.kind === 'answers' && taken.answers.length).toBe(questions.length);
        },
      ),
    );
  });
});

const context: InteractionContext = {
  epoch: 1,
  now: 1000,
  attached: true,
  open: 0,
  limits: { timeout: 60_000, longest: 600_000, permission_default: 'deny', people: ['alice', 'bob'], reminders: 2 },
};
const id = '00000000-0000-4000-8000-000000000000';

const deadline = (timeout_seconds?: number) => {
  const more = timeout_seconds === undefined ? {} : { timeout_seconds };
  const opening = open({ of: 'tool', id, input: { question: '?', ...more } }, context);
  return 'opened' in opening ? opening.opened.deadline : null;
};

const reminders = (input: object) => {
  const opening = open({ of: 'tool', id, input: { question: '?', ...input } }, context);
  return 'opened' in opening ? opening.opened.reminders : null;
};

describe('a question', () => {
  it('stays open as long as it says, within the maximum, and otherwise as long as its session says', () => {
    expect([deadline(), deadline(5), deadline(9999)]).toEqual([61_000, 6000, 601_000]);
  });

  it('is for whom it names, each once, and otherwise for everybody who may answer', () => {
    const asked = (input: object) => open({ of: 'tool', id, input: { question: '?', ...input } }, context);
    expect(asked({ answerers: ['bob', 'bob'] })).toMatchObject({ opened: { answerers: ['bob'] } });
    expect(asked({})).toMatchObject({ opened: { answerers: null } });
    expect(open({ of: 'claude', id, subject: permission() }, context)).toMatchObject({ opened: { answerers: null } });
  });

  it('is answered by those alone, whatever others say, and also once it is closed', () => {
    const opening = open({ of: 'tool', id, input: { question: '?', answerers: ['bob'] } }, context);
    if (!('opened' in opening)) throw new Error('it was refused');
    const no = { refused: 'not_your_question', detail: expect.stringContaining('"bob"') };
    expect(resolve(opening.opened, { decision: 'allow' }, 'alice', 2000)).toMatchObject(no);
    const resolved = resolve(opening.opened, { answer: 'x' }, 'bob', 2000);
    if (!('interaction' in resolved)) throw new Error('it was not resolved');
    expect(resolved.interaction).toMatchObject({ state: 'resolved', resolved_by: 'bob' });
    expect(resolve(resolved.interaction, { answer: 'x' }, 'alice', 2000)).toMatchObject(no);
  });

  it('reminds as often as it says, and otherwise as its session does', () => {
    expect([reminders({}), reminders({ max_attempts: 0 }), reminders({ max_attempts: 7 })]).toEqual([2, 0, 7]);
  });

  it.each([
    ['for people who may not answer', { question: '?', answerers: ['bob', 'mallory'] }, context, '"alice", "bob"'],
    ['beyond the cap', { question: '?' }, { ...context, open: MAX_OPEN }, '64'],
    [
      'whose default is no answer to it',
      { question: '?', options: ['A'], multi_select: true, default: 'C' },
      context,
      'default',
    ],
    [
      'that is too long',
      {
        question: '?',
        options: Array.from({ length: 25 }, (_, n) => ({ label: `${n}`, description: '\u0000'.repeat(2000) })),
      },
      context,
      'too long',
    ],
  ])('%s is refused with a result that tells the model so', (_, input, where, word) => {
    expect(open({ of: 'tool', id, input }, where)).toMatchObject({
      refused: { command: 'tool_result', call_id: id, is_error: true, text: expect.stringContaining(word) },
    });
  });

  it('of Claude Code’s own, or a permission, beyond the cap is denied', () => {
    for (const subject of [asks(question()), permission()]) {
      expect(open({ of: 'claude', id, subject }, { ...context, open: MAX_OPEN })).toMatchObject({
        refused: { command: 'resolve', interaction_id: id, resolution: { decision: 'deny' } },
      });
    }
  });

  it('for leave shows no input that is too long, or too deep to be written', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`);
    for (const input of [{ text: 'x'.repeat(MAX_SHOWN_INPUT) }, deep]) {
      const subject: InteractionSubject = { kind: 'permission', tool_name: 'Write', input, can_allow_session: false };
      expect(open({ of: 'claude', id, subject }, context)).toMatchObject({ opened: { subject: { input: null } } });
    }
  });
});
