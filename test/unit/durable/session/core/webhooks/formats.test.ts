import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestOf, type Post } from '../../../../../../durable/session/core/webhooks/message.ts';
import type { Receiver } from '../../../../../../durable/shared/webhooks/receiver.ts';
import { WEBHOOK_EVENTS } from '../../../../../../protocol/api/webhook.ts';
import type { ChatAnswer } from '../../../../../support/chats/chat.ts';
import { ACCESS_TOKEN, ntfy } from '../../../../../support/chats/ntfy.ts';
import { slack } from '../../../../../support/chats/slack.ts';
import { BOT_TOKEN, telegram } from '../../../../../support/chats/telegram.ts';
import { generatedRuns } from '../../../../../support/run/generated-runs.ts';

const NOW = Date.parse('2026-11-01T12:00:00Z');
const SESSION = '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f';
const LINK = `https://cc.example.org/answer/${'e'.repeat(300)}`;

const CHATS: Readonly<Record<string, { receiver: Receiver; chat: typeof slack }>> = {
  slack: { receiver: { format: 'slack', url: 'https://hooks.slack.com/services/T0/B0/secret' }, chat: slack },
  ntfy: { receiver: { format: 'ntfy', url: 'https://ntfy.sh/guarded', token: ACCESS_TOKEN }, chat: ntfy },
  telegram: {
    receiver: { format: 'telegram', url: `https://api.telegram.org/bot${BOT_TOKEN}/sendMessage?chat_id=-1001` },
    chat: telegram,
  },
};

const post = (type: string, data: object, link: string | null = null): Post => ({
  id: 'd',
  type,
  time: NOW,
  json: JSON.stringify({ session_id: SESSION, session_title: 'harbour', seq: 7, ...data }),
  answer: link === null ? null : { url: link, expires_at: '2026-11-01T13:00:00.000Z' },
});

/** What a chat shows of a post. Fails if it does not take it. */
function shownBy(name: string, what: Post): readonly string[] {
  const { receiver, chat } = CHATS[name] ?? fail(name);
  const request = requestOf(receiver, what, NOW) ?? fail(name);
  const answer: ChatAnswer = chat({ method: 'POST', ...request });
  expect(answer, request.body).toMatchObject({ status: 200 });
  return answer.shown ?? [];
}

function fail(name: string): never {
  throw new Error(`${name} is no chat`);
}

const completed = (result: string) => ({
  message_id: SESSION,
  status: 'completed',
  result,
  error: null,
  duration_ms: 1,
  total_cost_usd: 0.1,
  usage: null,
});
const permission = {
  interaction_id: SESSION,
  priority: 'normal',
  deadline: '2026-11-01T13:00:00.000Z',
  subject: {
    kind: 'permission',
    tool_name: 'Bash',
    input: { command: 'rm -r "build" && echo <done>' },
    can_allow_session: false,
  },
};
const question = (...labels: string[]) => ({
  ...permission,
  subject: {
    kind: 'question',
    questions: [
      { question: 'Which colour?', options: labels.map((label) => ({ label })), multi_select: false, free_text: true },
    ],
  },
});

const EVENTS: readonly (readonly [type: string, data: object])[] = [
  ['message.completed', completed('forty-two')],
  [
    'message.failed',
    { ...completed(''), status: 'failed', result: null, error: { code: 'out_of_memory', detail: 'No memory.' } },
  ],
  [
    'message.interrupted',
    { ...completed(''), status: 'interrupted', error: { code: 'interrupted', detail: 'By alice.' } },
  ],
  ['interaction.opened', permission],
  ['interaction.reminded', { ...permission, attempt: 1, of: 3 }],
  [
    'interaction.resolved',
    {
      ...permission,
      state: 'resolved',
      resolved_by: 'alice',
      resolution: { kind: 'answers', answers: ['red', ['a', 'b']] },
    },
  ],
  ['interaction.expired', { ...permission, state: 'expired', resolved_by: null, resolution: null }],
  ['interaction.withdrawn', { ...permission, state: 'withdrawn', resolved_by: null, resolution: null }],
  ['session.notification', { message: 'Look at this.', priority: 'urgent', summary: 'A find' }],
  ['session.stopped', { status: 'stopped', epoch: 1, reason: { code: 'idle_timeout', detail: 'It was idle.' } }],
  ['session.failed', { status: 'failed', epoch: 1, reason: { code: 'image_missing', detail: 'There is no image.' } }],
  ['budget.reached', { state: 'reached', budget_session_id: SESSION, budget_usd: 5, spent_usd: 5.1 }],
  ['budget.resumed', { state: 'resumed', budget_session_id: SESSION, budget_usd: null, spent_usd: 5.1 }],
  ['child.spawned', { child_session_id: SESSION, title: null, message_id: SESSION }],
  ['child.status', { child_session_id: SESSION, status: 'idle', reason: null }],
  ['child.result', { child_session_id: SESSION, ...completed('done') }],
  [
    'child.interaction',
    { child_session_id: SESSION, interaction_id: SESSION, state: 'open', subject: permission.subject },
  ],
  ['child.callback_failed', { child_session_id: SESSION, url: 'https://x.example/…', attempts: 10, detail: 'No.' }],
  ['child.deleted', { child_session_id: SESSION }],
];

it('every event has words', () => {
  expect(EVENTS.map(([type]) => type)).toEqual(WEBHOOK_EVENTS);
});

describe.each(Object.keys(CHATS))('%s', (name) => {
  it.each(EVENTS)('takes %s', (type, data) => {
    expect(shownBy(name, post(type, data)).join('\n')).toMatch(/harbour/);
  });

  it('shows what the agent said, with each character as it is, and calls nobody', () => {
    const said = 'a < b && c > d: <!channel> <@U1> <b>x</b> &amp; "q" *s* _t_ [l](u)';
    const shown = shownBy(name, post('message.completed', completed(said))).join('\n');
    expect(shown).toContain(said);
    expect(shown).not.toContain('CALLS');
  });

  it('takes whatever an agent says, however long, and shows how it begins', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 }).map((one) => one.repeat(20_000 / one.length)),
      fc.constantFrom('&', '<', '"', '\u0001', '🎈', 'ä', '\n').map((one) => one.repeat(20_000 / one.length)),
    );
    fc.assert(
      fc.property(text, text, fc.boolean(), (title, said, asks) => {
        const [type, data] = asks
          ? ['interaction.opened', { ...question('red', 'blue'), session_title: title, subject: asked(said) }]
          : ['message.completed', { ...completed(said), session_title: title }];
        const shown = shownBy(name, post(type, data, asks ? LINK : null)).join('\n');
        expect(shown.isWellFormed()).toBe(true);
      }),
      // Each may be a text of 20,000 characters.
      { numRuns: generatedRuns(30) },
    );
  });

  it('shows the link that answers', () => {
    const request = requestOf((CHATS[name] ?? fail(name)).receiver, post('interaction.opened', permission, LINK), NOW);
    expect(request?.body).toContain(LINK);
    shownBy(name, post('interaction.opened', permission, LINK));
  });
});

const asked = (text: string) => ({
  kind: 'permission',
  tool_name: 'Bash',
  input: { command: text },
  can_allow_session: true,
});

/** The buttons of a post that asks something. */
const actions = (data: object) => {
  const { receiver } = CHATS['ntfy'] ?? fail('ntfy');
  const { body } = requestOf(receiver, post('interaction.opened', data, LINK), NOW) ?? fail('ntfy');
  return JSON.parse(body).actions as { action: string; label: string; body?: string }[];
};

describe('a button of ntfy', () => {
  it('answers with one tap, where there are few choices', () => {
    expect(actions(permission).map(({ action, label, body }) => [action, label, body])).toEqual([
      ['http', 'Allow', 'decision=allow'],
      ['http', 'Deny', 'decision=deny'],
      ['view', 'Answer', undefined],
    ]);
    expect(actions(question('dark & red', 'blue'))[0]).toMatchObject({ body: 'q0=dark+%26+red' });
  });

  it('opens the page where there are many, or several may be chosen', () => {
    expect(actions(question('a', 'b', 'c', 'd'))).toMatchObject([{ action: 'view', label: 'Answer' }]);
    expect(actions(question())).toMatchObject([{ action: 'view' }]);
  });
});
