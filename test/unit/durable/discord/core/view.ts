import type { InteractionView, Question } from '../../../../../protocol/api/session/interaction.ts';

export const SESSION = '019ac1de-0000-7000-8000-00000000000a';
export const INTERACTION = '019ac1de-0000-7000-8000-00000000000b';

/** An open interaction. */
export function view(changes: Partial<InteractionView> = {}): InteractionView {
  return {
    interaction_id: INTERACTION,
    session_id: SESSION,
    state: 'open',
    subject: { kind: 'question', questions: [question()] },
    priority: 'normal',
    created_at: '2026-11-22T12:00:00.000Z',
    deadline: '2026-11-22T12:30:00.000Z',
    answerers: null,
    default: null,
    detached: false,
    resolved_at: null,
    resolved_by: null,
    resolution: null,
    ...changes,
  };
}

export function question(labels: readonly string[] = ['Red', 'Blue'], changes: Partial<Question> = {}): Question {
  return {
    question: 'Which colour?',
    options: labels.map((label) => ({ label })),
    multi_select: false,
    free_text: true,
    ...changes,
  };
}

export const asking = (...questions: Question[]) => view({ subject: { kind: 'question', questions } });

export const permission = (input: Record<string, unknown> | null, changes: Partial<InteractionView> = {}) =>
  view({ subject: { kind: 'permission', tool_name: 'Bash', input, can_allow_session: true }, ...changes });

export const named = (count: number) => Array.from({ length: count }, (_, at) => `Option ${at + 1}`);
