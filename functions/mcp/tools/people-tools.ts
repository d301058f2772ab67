import { z } from 'zod';
import { uuid } from '../../../protocol/ids.ts';
import {
  interactionList,
  interactionState,
  interactionView,
  permissionDecision,
  resolveRequest,
} from '../../../protocol/api/session/interaction.ts';
import { pathOf, queryOf } from '../api.ts';
import { CURSOR, ofSession, SESSION } from './fields.ts';
import { shownInteraction, shownInteractionOf } from '../outcome.ts';
import { dataTool } from './tool.ts';

/** Tools for what sessions ask: list, answer. */

const listInteractions = dataTool('list_interactions', {
  title: 'List what a session asks',
  description:
    'List the questions and the requests for permission of a session, the oldest first, by default those that are open. Each has a deadline, and what is taken then in `default`. answer_interaction answers.',
  input: z.strictObject({
    ...ofSession,
    state: interactionState.default('open'),
    limit: z.int().min(1).max(100).default(20),
    cursor: uuid.optional(),
  }),
  fields: { session_id: SESSION, state: 'Which of them.', limit: 'How many at most.', cursor: CURSOR },
  effect: 'reads',
  output: z.object({ interactions: z.array(shownInteraction), next_cursor: z.string().nullable() }),
  async run({ session_id, ...query }, { api }) {
    const path = pathOf('/sessions/{}/interactions', session_id) + queryOf(query);
    const page = await api.call(interactionList, 'GET', path);
    if ('problem' in page) return page;
    const { data, next_cursor } = page.data;
    return { data: { interactions: data.map(shownInteractionOf), next_cursor } };
  },
});

const [question, permission] = resolveRequest.options;

const answerInteraction = dataTool('answer_interaction', {
  title: 'Answer a question or a permission',
  description: `Answer what a session asks: a question with \`answer\`, a request for permission with \`decision\`. The agent goes on at once; call wait_for_result for how its message ends. The first answer counts, and people may be asked the same.

You answer in your user's name. Do not invent what only they can know, and do not allow what they would not: ask them first.`,
  input: z
    .strictObject({
      ...ofSession,
      interaction_id: uuid,
      answer: question.shape.answer.optional(),
      decision: permissionDecision.optional(),
      message: permission.shape.message,
    })
    .refine(
      ({ answer, decision }) => (answer === undefined) !== (decision === undefined),
      'a question takes `answer`, a permission takes `decision`; give one of the two',
    ),
  fields: {
    session_id: SESSION,
    interaction_id: 'Which of its questions or permissions, as wait_for_result and list_interactions name it.',
    answer:
      'For a question: a text, the label of an option, an array of labels where several may be chosen, or, where several questions are asked, an array with an answer for each.',
    decision: 'For a permission: "allow" this once, "allow_session" to allow it and all like it, or "deny".',
    message: 'With "deny": why, or what to do instead. The agent reads it.',
  },
  effect: 'changes',
  output: shownInteraction,
  async run({ session_id, interaction_id, answer, decision, message }, { api }) {
    const path = pathOf('/sessions/{}/interactions/{}/resolve', session_id, interaction_id);
    // The API decides whether the answer fits the question.
    const resolved = await api.call(interactionView, 'POST', path, { body: { answer, decision, message } });
    return 'problem' in resolved ? resolved : { data: shownInteractionOf(resolved.data) };
  },
});

export const peopleTools = [listInteractions, answerInteraction];
