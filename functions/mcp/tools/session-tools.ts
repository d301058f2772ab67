import { z } from 'zod';
import { uuid } from '../../../protocol/ids.ts';
import { acceptedMessage } from '../../../protocol/api/session/message.ts';
import { childConfig } from '../../../protocol/api/session/session-config.ts';
import {
  changeSessionRequest,
  createdSession,
  sessionList,
  sessionSettings,
  sessionStatus,
  sessionSummary,
  sessionView,
  stoppedSession,
} from '../../../protocol/api/session/session.ts';
import { workspace } from '../../../protocol/api/files/workspace.ts';
import { pathOf, queryOf } from '../api.ts';
import { CONFIG, CURSOR, ofSession, prompt, PROMPT, SESSION, SETTINGS } from './fields.ts';
import { dataTool } from './tool.ts';

/** Tools for sessions: begin, list, show, change, stop, delete. */

/** Settings as they are sent. The service fills in what is absent. */
const settings = childConfig.pick(SETTINGS);

const createSession = dataTool('create_session', {
  title: 'Create a session',
  description: `Begin a session: an agent (Claude Code) in a container of its own, with files and tools. With \`prompt\` it gets its first message at once. Returns without waiting; call wait_for_result for the answer.

The agent knows nothing of your conversation: give it the goal, the facts, and what its last message shall contain, for that is what you get. A session remembers what was said and keeps its files, so go on with send_message rather than begin another for a further question. Several sessions work side by side. Delete or stop those that are done: each user has a limited number.`,
  input: z.strictObject({
    prompt: prompt.optional(),
    workspace: workspace.optional(),
    ...settings.shape,
  }),
  fields: {
    prompt: `The first message, complete in itself. ${PROMPT} Absent: none yet; send_message sends it.`,
    workspace:
      'Where it works. Absent or {"type": "ephemeral"}: an empty folder that goes with the session; with git_repo (a URL, owner/repo or git@host:path) a clone of it, at git_branch (a branch, tag, commit or ref); with git ([{repo, branch?, path?}]) several, in folders. {"type": "persistent", "id": "…"}: a folder that outlives the session, one session at a time. {"type": "clone", "id": "…"}: a copy of such a folder.',
    ...CONFIG,
  },
  effect: 'changes',
  output: z.object({
    ...createdSession.pick({ session_id: true, status: true, created_at: true }).shape,
    /** The message of the prompt; null: there was no prompt, or it was not accepted. */
    message_id: uuid.nullable(),
    next_step: z.string(),
  }),
  async run({ prompt, workspace, ...config }, { api }) {
    const body = { config, ...(workspace !== undefined && { workspace }) };
    const created = await api.call(createdSession, 'POST', '/sessions', { body });
    if ('problem' in created) return created;
    const { session_id, status, created_at } = created.data;
    const begun = { session_id, status, created_at };
    if (prompt === undefined)
      return { data: { ...begun, message_id: null, next_step: 'Send it a message with send_message.' } };
    const path = pathOf('/sessions/{}/chat', session_id);
    const sent = await api.call(acceptedMessage, 'POST', path, { body: { prompt, stream: true } });
    if ('problem' in sent) {
      const { problem } = sent;
      const detail = `The session ${session_id} was created, but its prompt was not taken: ${problem.detail}`;
      return { problem: { ...problem, detail } };
    }
    const next_step = 'Call wait_for_result with this session_id and message_id.';
    return { data: { ...begun, message_id: sent.data.message_id, next_step } };
  },
});

const listed = sessionSummary.pick({
  session_id: true,
  title: true,
  status: true,
  reason: true,
  created_at: true,
  last_activity: true,
  total_turns: true,
  total_cost_usd: true,
  open_interactions: true,
  parent_session_id: true,
});

const listSessions = dataTool('list_sessions', {
  title: 'List sessions',
  description:
    'List the sessions that there are, the newest first: what each is about, what it cost, and in open_interactions how many questions wait for an answer. A message wakes a session that is stopped or failed.',
  input: z.strictObject({
    status: sessionStatus.optional(),
    limit: z.int().min(1).max(100).default(20),
    cursor: uuid.optional(),
  }),
  fields: { status: 'Only those in this state.', limit: 'How many at most.', cursor: CURSOR },
  effect: 'reads',
  output: z.object({ sessions: z.array(listed), next_cursor: z.string().nullable(), total: z.int() }),
  async run(query, { api }) {
    const page = await api.call(sessionList, 'GET', `/sessions${queryOf(query)}`);
    if ('problem' in page) return page;
    const { data, next_cursor, total } = page.data;
    return { data: { sessions: data.map((each) => listed.parse(each)), next_cursor, total } };
  },
});

/** Without `config`: it may hold headers of MCP servers, which a model must not see. */
const shown = listed.extend(
  sessionView.pick({
    model: true,
    permission_mode: true,
    child_session_ids: true,
    queued_messages: true,
    last_seq: true,
  }).shape,
);

const getSession = dataTool('get_session', {
  title: 'Show a session',
  description:
    'Show one session: its state and why, model, permission mode, messages that wait, children, cost, and in last_seq the number of its newest event. To wait for an answer use wait_for_result instead.',
  input: z.strictObject(ofSession),
  fields: { session_id: SESSION },
  effect: 'reads',
  output: shown,
  run: ({ session_id }, { api }) => api.call(shown, 'GET', pathOf('/sessions/{}', session_id)),
});

const { model, permission_mode, title } = changeSessionRequest.shape;

const changeSession = dataTool('change_session', {
  title: 'Change the settings of a session',
  description:
    'Change what a session works with: its model, its permission mode, its title. They hold at once, in the running turn too, and whenever it wakes. What is absent stays as it is. Returns the settings as they are then.',
  input: z
    .strictObject({ ...ofSession, model, permission_mode, title })
    .refine((change) => Object.keys(change).length > 1, 'must change something'),
  fields: {
    session_id: SESSION,
    model: 'opus, sonnet, haiku or a model’s full name.',
    permission_mode: 'As for create_session.',
    title: 'What it is for, in a few words. null: none of its own.',
  },
  effect: 'changes',
  output: z.object({ ...ofSession, ...sessionSettings.shape }),
  run: ({ session_id, ...body }, { api }) =>
    api.call(z.object({ ...ofSession, ...sessionSettings.shape }), 'PATCH', pathOf('/sessions/{}', session_id), {
      body,
    }),
});

const stopSession = dataTool('stop_session', {
  title: 'Stop a session',
  description:
    'Stop a session: what it is doing ends, its container goes, and so does what it holds of the limit. Its conversation and files stay, and the next send_message wakes it. To end only what it is doing just now, use interrupt_session.',
  input: z.strictObject(ofSession),
  fields: { session_id: SESSION },
  effect: 'changes',
  output: stoppedSession,
  run: ({ session_id }, { api }) => api.call(stoppedSession, 'POST', pathOf('/sessions/{}/stop', session_id)),
});

const deleted = z.object({ session_id: uuid, deleted: z.boolean() });

const deleteSession = dataTool('delete_session', {
  title: 'Delete a session',
  description:
    'Delete a session with its conversation, its events and (but for a persistent workspace) its files, for good. Use it when all that it made is yours or not needed; stop_session keeps it.',
  input: z.strictObject(ofSession),
  fields: { session_id: SESSION },
  effect: 'destroys',
  output: deleted,
  async run({ session_id }, { api }) {
    const gone = await api.open('DELETE', pathOf('/sessions/{}', session_id));
    return 'problem' in gone ? gone : { data: { session_id, deleted: true } };
  },
});

export const sessionTools = [createSession, listSessions, getSession, changeSession, stopSession, deleteSession];
