import * as z from 'zod';
import { shortId } from '../names/short-id.ts';
import { subjectLine } from './summary.ts';

/** A piece of a session's stream, as the terminal shows it. `text` may end in the middle of a line. */
export interface Piece {
  readonly kind: 'prompt' | 'text' | 'tool' | 'output' | 'note' | 'ask' | 'done' | 'error';
  readonly text: string;
}

const reason = z.object({ detail: z.string() }).nullable();
const error = z.object({ error: z.object({ code: z.string(), detail: z.string() }) });
const opened = z.object({
  interaction_id: z.string(),
  subject: z.union([
    z.object({ kind: z.literal('question'), questions: z.array(z.object({ question: z.string() })) }),
    z.object({
      kind: z.literal('permission'),
      tool_name: z.string(),
      input: z.record(z.string(), z.unknown()).nullable(),
    }),
  ]),
});
const portEvent = z.object({
  port: z.int(),
  state: z.string(),
  process: z.string().nullable(),
  shared: z.boolean(),
});
const apiRetry = z.object({
  subtype: z.literal('api_retry'),
  attempt: z.int(),
  max_retries: z.int(),
  error: z.string(),
});

const build = z.object({
  environment: z.string(),
  state: z.string(),
  cached: z.boolean().optional(),
  ms: z.number().optional(),
  line: z.int().nullable().optional(),
  reason: z.object({ detail: z.string() }).optional(),
});

function buildPieces({ environment, state, cached, ms = 0, line, reason }: z.infer<typeof build>): Piece[] {
  if (cached === true) return [];
  if (state === 'building') return [{ kind: 'note', text: `environment ${environment}: building` }];
  const took = `after ${(ms / 1000).toFixed(1)} s`;
  if (state === 'ready') return [{ kind: 'note', text: `environment ${environment}: ready ${took}` }];
  const where = typeof line === 'number' ? ` in line ${line} of setup` : '';
  return [{ kind: 'error', text: `✗ environment ${environment}: failed${where} ${took}: ${reason?.detail ?? ''}` }];
}

/** What is read of each of CC-Docker's own events that is shown, and the lines that show it. */
const NOTES: Readonly<Record<string, (data: unknown) => Piece[]>> = {
  'session.status': note(z.object({ status: z.string(), reason }), ({ status, reason }) => {
    if (status === 'idle' || status === 'running') return [];
    const why = reason === null ? '' : `: ${reason.detail}`;
    return [{ kind: status === 'failed' ? 'error' : 'note', text: `session ${status}${why}` }];
  }),
  'environment.build': note(build, buildPieces),
  'session.ready': note(z.object({ claude_version: z.string() }), ({ claude_version }) => [
    { kind: 'note', text: `Claude Code ${claude_version} is ready` },
  ]),
  'message.failed': note(error, ({ error }) => [{ kind: 'error', text: `✗ ${error.detail} (${error.code})` }]),
  'message.interrupted': note(error, ({ error }) => [{ kind: 'error', text: `✗ ${error.detail} (${error.code})` }]),
  'message.held': note(z.object({ retry_at: z.string() }), ({ retry_at }) => [
    { kind: 'note', text: `the model’s usage limit is reached: it goes on at ${retry_at}` },
  ]),
  'session.gap': note(z.object({ from: z.int(), to: z.int() }), ({ from, to }) => [
    { kind: 'note', text: `events ${from} to ${to} are no longer stored` },
  ]),
  'session.oversized': note(z.object({ bytes: z.int() }), ({ bytes }) => [
    { kind: 'note', text: `a message of ${bytes} bytes is too long to show` },
  ]),
  'session.budget': note(z.object({ state: z.string() }), ({ state }) => [
    { kind: 'note', text: state === 'reached' ? 'the budget is spent: the session pauses' : 'there is budget again' },
  ]),
  'session.artifact': note(z.object({ name: z.string() }), ({ name }) => [
    { kind: 'note', text: `the agent gives you ${name}` },
  ]),
  'session.port': note(portEvent, ({ port, state, process, shared }) => {
    if (state === 'closed') return [];
    const how = shared ? 'it is shared' : `\`cc-docker ports SESSION ${port}\` shows it in a browser`;
    return [{ kind: 'note', text: `port ${port} is open${process === null ? '' : ` (${process})`}: ${how}` }];
  }),
  'session.port_shared': note(z.object({ port: z.int(), by: z.string() }), ({ port, by }) =>
    by === 'owner' ? [] : [{ kind: 'note', text: `port ${port} is shared: \`cc-docker ports SESSION\` has its URL` }],
  ),
  'child.spawned': note(z.object({ child_session_id: z.string(), title: z.string().nullable() }), (child) => [
    { kind: 'note', text: `child ${child.child_session_id}${child.title === null ? '' : ` (${child.title})`} began` },
  ]),
  'child.result': note(z.object({ child_session_id: z.string(), status: z.string() }), (child) => [
    { kind: 'note', text: `child ${child.child_session_id} ${child.status}` },
  ]),
  'session.notification': note(z.object({ message: z.string() }), ({ message }) => [
    { kind: 'ask', text: `! ${message}` },
  ]),
  'message.queued': note(z.object({ prompt: z.string() }), ({ prompt }) => [{ kind: 'prompt', text: `› ${prompt}` }]),
  'interaction.opened': note(opened, ({ interaction_id, subject }) => [
    { kind: 'ask', text: `? ${subjectLine(subject)} (${waysToAnswer(subject.kind, shortId(interaction_id))})` },
  ]),
  'interaction.closed': note(z.object({ state: z.string(), resolved_by: z.string().nullable() }), (closed) => [
    { kind: 'note', text: `${closed.state}${closed.resolved_by === null ? '' : ` by ${closed.resolved_by}`}` },
  ]),
  system: note(apiRetry, (retry) => [
    { kind: 'note', text: `the model refused (${retry.error}); attempt ${retry.attempt} of ${retry.max_retries}` },
  ]),
};

/** The lines that show an event which is not a part of the conversation. */
export function notesOf(type: string, data: unknown): Piece[] {
  return NOTES[type]?.(data) ?? [];
}

const waysToAnswer = (kind: 'question' | 'permission', id: string) =>
  kind === 'question' ? `cc-docker answer ${id} …` : `cc-docker approve ${id}, or deny`;

/** An event that is not as expected is of a later version, and is not shown. */
function note<T>(schema: z.ZodType<T>, show: (data: T) => Piece[]): (data: unknown) => Piece[] {
  return (data) => {
    const read = schema.safeParse(data);
    return read.success ? show(read.data) : [];
  };
}
