import { z } from 'zod';
import { eventEnvelope } from '../../../protocol/api/session/event.ts';
import { acceptedMessage, interruptAnswer } from '../../../protocol/api/session/message.ts';
import { getChildEventsOutput } from '../../../protocol/link/child-tools.ts';
import { pathOf, queryOf } from '../api.ts';
import { eventText } from '../event-text.ts';
import {
  MESSAGE,
  ofMessage,
  ofSession,
  prompt,
  return_on_question,
  RETURN_ON_QUESTION,
  SESSION,
  TIMEOUT,
  timeout_seconds,
} from './fields.ts';
import { outcome } from '../outcome.ts';
import { dataTool } from './tool.ts';
import { waitForMessage } from '../wait.ts';

/** Tools for messages: send, wait, follow, interrupt. */

const sendMessage = dataTool('send_message', {
  title: 'Send a message',
  description: `Send a message to a session. It is taken after those that wait already, is never lost, and wakes a session that was stopped. By default it returns at once with state "working", and wait_for_result gets the answer; with \`wait\` this call waits for it.

The agent remembers what was said in this session before, and knows nothing else of you. To change what it is doing right now, call interrupt_session first.`,
  input: z.strictObject({
    ...ofSession,
    prompt,
    wait: z.boolean().default(false),
    timeout_seconds,
    return_on_question,
  }),
  fields: {
    session_id: SESSION,
    prompt: 'The message. As for create_session: text or blocks.',
    wait: 'Whether to wait for the answer.',
    timeout_seconds: `With wait: ${TIMEOUT}`,
    return_on_question: `With wait: ${RETURN_ON_QUESTION}`,
  },
  effect: 'changes',
  output: outcome,
  async run({ session_id, prompt, wait, timeout_seconds, return_on_question }, context) {
    const path = pathOf('/sessions/{}/chat', session_id);
    const sent = await context.api.call(acceptedMessage, 'POST', path, { body: { prompt, stream: true } });
    if ('problem' in sent) return sent;
    const { message_id } = sent.data;
    return waitForMessage(context, {
      session_id,
      message_id,
      timeout_seconds: wait ? timeout_seconds : 0,
      return_on_question,
    });
  },
});

const waitForResult = dataTool('wait_for_result', {
  title: 'Wait for a result',
  description: `Wait until a message has been answered, and get the answer. Returns earlier when something has to be done first. To wait for several, call it for each of them in one go.

What \`state\` means:
- completed: \`result\` is the last thing that the agent said.
- failed: \`error\` says why; the session takes further messages.
- interrupted: it was ended before it was done; send_message lets it go on.
- working: time is up and it goes on. Call this again: nothing is lost between two calls.
- needs_answer: the agent asks what \`asked\` holds, and waits. Answer with answer_interaction.
- paused: the budget is spent, and only a person can raise it. Do not wait.`,
  input: z.strictObject({ ...ofMessage, timeout_seconds, return_on_question }),
  fields: {
    session_id: SESSION,
    message_id: MESSAGE,
    timeout_seconds: TIMEOUT,
    return_on_question: RETURN_ON_QUESTION,
  },
  effect: 'reads',
  output: outcome,
  run: (input, context) => waitForMessage(context, input),
});

/** The text on one page, characters: an agent reads this much at once without a cut. */
const PAGE_TEXT = 30_000;

const eventPage = z.object({ data: z.array(eventEnvelope), last_seq: z.int() });

const getEvents = dataTool('get_events', {
  title: 'Read the events of a session',
  description:
    'Read what a session has said and done, step by step, long texts cut. Use it when a session takes long, failed, or answered something odd; for an answer in full use wait_for_result.',
  input: z.strictObject({
    ...ofSession,
    after: z.int().min(0).default(0),
    limit: z.int().min(1).max(200).default(50),
  }),
  fields: {
    session_id: SESSION,
    after:
      'Only events after this seq: the next_after of the page before, or last_seq (get_session) less some for the newest.',
    limit: 'How many at most.',
  },
  effect: 'reads',
  output: getChildEventsOutput,
  async run({ session_id, ...query }, { api }) {
    const path = pathOf('/sessions/{}/events', session_id) + queryOf(query);
    const page = await api.call(eventPage, 'GET', path);
    if ('problem' in page) return page;
    const events: z.infer<typeof getChildEventsOutput>['events'] = [];
    let room = PAGE_TEXT;
    for (const event of page.data.data) {
      const text = eventText(event);
      room -= text.length;
      if (room < 0) break;
      events.push({ seq: event.seq, time: event.time, type: event.type, text });
    }
    return { data: { events, next_after: events.at(-1)?.seq ?? query.after, last_seq: page.data.last_seq } };
  },
});

const interruptSession = dataTool('interrupt_session', {
  title: 'Interrupt a session',
  description:
    'End what a session is doing right now. It keeps its conversation and files, and goes on with the next message. Use it when it goes astray, then send_message what to do instead. `interrupted` is false when it was doing nothing.',
  input: z.strictObject(ofSession),
  fields: { session_id: SESSION },
  effect: 'changes',
  output: interruptAnswer,
  run: ({ session_id }, { api }) => api.call(interruptAnswer, 'POST', pathOf('/sessions/{}/interrupt', session_id)),
});

export const messageTools = [sendMessage, waitForResult, getEvents, interruptSession];
