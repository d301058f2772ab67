import { v7 as uuidV7 } from 'uuid';
import type { ZodError } from 'zod';
import { uuid } from '../../protocol/ids.ts';
import { PROBLEMS, SESSION_NOT_FOUND, type Refusal } from '../../protocol/api/problem.ts';
import {
  changeSessionRequest,
  createSessionRequest,
  type SessionSettings,
} from '../../protocol/api/session/session.ts';
import type { CommandCall } from './core/commands.ts';
import { cutLine, inlineCode, plain } from './core/text/text.ts';
import { lowDisk } from '../rpc/edge-disk.ts';
import { directoryStub, gateStub, sessionStub, type EdgeEnv } from '../rpc/edge-env.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { QuestionLimits } from './questions.ts';
import type { DeskTable } from './tables/desk-table.ts';

/** A command to carry out. */
export interface DeskCommand {
  readonly call: Exclude<CommandCall, { name: 'link' }>;
  /** The Discord account that gave the command, and the owner that it is linked to. */
  readonly user: string;
  readonly owner: string;
  /** The channel of the command. In a session's thread the command is about that session. */
  readonly channel: string | null;
  /** The id of the session or message that it creates: carried out twice, it creates one. */
  readonly made: string;
}

/** Carries out commands. Each answer is a text for the person who gave the command. */
export class DeskCommands {
  readonly #env: EdgeEnv;
  readonly #table: DeskTable;
  readonly #outbox: Outbox;
  readonly #questions: QuestionLimits;

  /** @param questions the limits of questions that sessions ask which begin here */
  constructor(env: EdgeEnv, table: DeskTable, outbox: Outbox, questions: QuestionLimits) {
    this.#env = env;
    this.#table = table;
    this.#outbox = outbox;
    this.#questions = questions;
  }

  async run(command: DeskCommand): Promise<string> {
    const { call } = command;
    if (call.name === 'start') return this.#start(command, call.options);
    if (call.name === 'list') return this.#list(command);
    const id = this.#sessionOf(command, call.options.session);
    if (id === null)
      return 'Which session? Name one with `session`, or say it in a session’s thread. `/claude list` shows yours.';
    // Its owner may have typed anything.
    if (!(await directoryStub(this.#env, command.owner).has(id))) return refused(SESSION_NOT_FOUND);
    switch (call.name) {
      case 'say':
        return this.#say(command, id, call.options.prompt);
      case 'set':
        return this.#set(command, id, call.options);
      case 'status':
        return this.#status(command, id);
      case 'interrupt': {
        const answer = await sessionStub(this.#env, id).interrupt(command.owner, false);
        if ('refused' in answer) return refused(answer);
        return answer.interrupted ? '⏸️ Its turn is being ended.' : 'It does nothing just now.';
      }
      case 'stop': {
        const answer = await sessionStub(this.#env, id).stop(command.owner);
        return 'refused' in answer
          ? refused(answer)
          : '⏹️ Stopped, with those that it began. Saying something wakes it.';
      }
      case 'tree':
        break;
    }
    return this.#tree(command, id);
  }

  async #start(
    { made, owner, user }: DeskCommand,
    { prompt, model, workspace, environment, on_rate_limit }: Extract<CommandCall, { name: 'start' }>['options'],
  ): Promise<string> {
    const { timeout, longest, reminders } = this.#questions;
    const parsed = createSessionRequest.safeParse({
      ...(workspace === undefined ? {} : { workspace: { type: 'persistent', id: workspace } }),
      config: {
        interaction_timeout_seconds: Math.min(timeout, longest) / 1000,
        interaction_reminders: reminders,
        ...(model === undefined ? {} : { model }),
        ...(environment === undefined ? {} : { environment }),
        ...(on_rate_limit === undefined ? {} : { on_rate_limit }),
      },
    });
    if (!parsed.success) return unfit(parsed.error);
    const low = await lowDisk(this.#env);
    if (low !== null) return refused(low);
    const created = await directoryStub(this.#env, owner).create({
      session_id: made,
      owner,
      request: parsed.data,
      idempotency_key: undefined,
    });
    if ('refused' in created) return refused(created);
    const name = cutLine(prompt, 80, 'Session');
    // First the thread, then the prompt: nothing that the session says is missed.
    if (this.#table.thread(made) === null) {
      const creation = { time: Date.now(), actor: owner, action: 'session.created', target: made } as const;
      await gateStub(this.#env).record({ ...creation, address: null, detail: `discord ${user}` });
      this.#table.addThread({ session_id: made, user, name });
      this.#outbox.add(`thread ${made}`, { do: 'open_thread', session_id: made });
    }
    const session = sessionStub(this.#env, made);
    await session.followOnDiscord(owner);
    // Its first message has a fixed id too, so that a retry sends it once.
    const input = { message_id: made, prompt, timeout_seconds: undefined, idempotency_key: undefined };
    const sent = await session.chat(owner, input);
    if ('refused' in sent) return refused(sent);
    return `▶️ **${plain(name)}** has begun, in a thread of its own (session ${inlineCode(made)}).`;
  }

  async #say({ owner, made }: DeskCommand, id: string, prompt: string): Promise<string> {
    const input = { message_id: made, prompt, timeout_seconds: undefined, idempotency_key: undefined };
    const sent = (await lowDisk(this.#env)) ?? (await sessionStub(this.#env, id).chat(owner, input));
    return 'refused' in sent ? refused(sent) : `💬 ${plain(cutLine(prompt, 1500, '…'))}`;
  }

  async #set(
    { owner }: DeskCommand,
    id: string,
    { model, mode, title }: Extract<CommandCall, { name: 'set' }>['options'],
  ): Promise<string> {
    const given = { model, permission_mode: mode, title };
    const change = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    if (Object.keys(change).length === 0) return 'Set what? Give it a `model`, a `mode` or a `title`.';
    const parsed = changeSessionRequest.safeParse(change);
    if (!parsed.success) return unfit(parsed.error);
    const view = await sessionStub(this.#env, id).change(owner, parsed.data);
    return 'refused' in view ? refused(view) : `⚙️ **${plain(this.#nameOf(id, view.title))}**: ${settingsText(view)}`;
  }

  async #status({ owner }: DeskCommand, id: string): Promise<string> {
    const view = await sessionStub(this.#env, id).show(owner);
    if ('refused' in view) return refused(view);
    const { status, reason, total_turns, total_cost_usd, open_interactions, queued_messages, child_session_ids } = view;
    const lines = [
      `**${plain(this.#nameOf(id, view.title))}** is **${status}**${reason === null ? '' : `: ${plain(cutLine(reason.detail, 500, ''))}`}`,
      `${count(total_turns, 'turn')}, ${usd(total_cost_usd)}${queued_messages > 0 ? `, ${count(queued_messages, 'message')} in the queue` : ''}`,
      ...(open_interactions > 0 ? [`❓ ${count(open_interactions, 'question')} open`] : []),
      ...(child_session_ids.length > 0 ? [`👪 ${count(child_session_ids.length, 'child', 'children')}`] : []),
      settingsText(view),
      `Session ${inlineCode(id)}`,
    ];
    return lines.join('\n');
  }

  async #list({ owner }: DeskCommand): Promise<string> {
    const { data, total } = await directoryStub(this.#env, owner).list({
      status: undefined,
      limit: 15,
      offset: 0,
      cursor: undefined,
      within: null,
    });
    if (data.length === 0) return 'You have no sessions. `/claude start` begins one.';
    const lines = data.map(({ session_id, status, title, total_cost_usd }) => {
      const thread = this.#table.thread(session_id)?.thread_id ?? null;
      const where = thread === null ? inlineCode(session_id) : `<#${thread}>`;
      return `- **${status}** ${plain(this.#nameOf(session_id, title))} · ${usd(total_cost_usd)} · ${where}`;
    });
    const more = total > data.length ? [`… and ${total - data.length} more.`] : [];
    return [...lines, ...more].join('\n');
  }

  async #tree({ owner }: DeskCommand, id: string): Promise<string> {
    const view = await sessionStub(this.#env, id).show(owner);
    if ('refused' in view) return refused(view);
    const { nodes } = await directoryStub(this.#env, owner).tree(id);
    const top = nodes[0]?.depth ?? 0;
    const shown = nodes.slice(0, 20).map(({ session_id, depth, status, title, tree_cost_usd, budget_usd }) => {
      const budget = budget_usd === null ? '' : ` of ${usd(budget_usd)}`;
      const indent = '  '.repeat(depth - top);
      return `${indent}- **${status}** ${plain(this.#nameOf(session_id, title))} · ${usd(tree_cost_usd)}${budget}`;
    });
    const more = nodes.length > shown.length ? [`… and ${nodes.length - shown.length} more.`] : [];
    return [...shown, ...more].join('\n');
  }

  #sessionOf({ channel }: DeskCommand, named: string | undefined): string | null {
    if (named !== undefined) return uuid.safeParse(named.trim()).success ? named.trim().toLowerCase() : null;
    return channel === null ? null : this.#table.sessionIn(channel);
  }

  #nameOf(id: string, title: string | null): string {
    return title ?? this.#table.thread(id)?.name ?? `session ${id.slice(-8)}`;
  }
}

/** The id of a session or message that a command creates. */
export const newId = () => uuidV7();

function unfit({ issues }: ZodError): string {
  const wrong = issues.map(({ path, message }) => {
    return `${inlineCode(path[0] === 'workspace' ? 'workspace' : String(path.at(-1)))} ${plain(message)}`;
  });
  return `⚠️ ${wrong.join('; ')}`;
}

function settingsText({ model, permission_mode }: SessionSettings): string {
  return `model ${model === null ? 'as Claude Code chooses' : inlineCode(model)}, mode ${inlineCode(permission_mode)}`;
}

function refused({ refused: code, detail }: Refusal): string {
  return `⚠️ **${PROBLEMS[code][1]}**: ${plain(cutLine(detail, 1500, ''))}`;
}

const usd = (amount: number) => `$${amount.toFixed(2)}`;

const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
