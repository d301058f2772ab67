import type { InteractionView } from '../../protocol/api/session/interaction.ts';
import type { DeskSession, DeskUpdate } from '../rpc/discord-rpc.ts';
import { mentionText, PING_NOBODY, pingedFor, pingOnly } from './core/text/mentions.ts';
import { splitMessage } from './core/text/split-message.ts';
import { cutLine, plain } from './core/text/text.ts';
import { FLAG } from './core/wire/constants.ts';
import { textBody } from './core/wire/message.ts';
import { attachment } from './core/attachment.ts';
import { mentionsOf } from './outbox/ask-message.ts';
import type { DeskTable } from './tables/desk-table.ts';
import type { Outbox } from './outbox/outbox.ts';
import { laneOf, type Place } from './tables/outbox-table.ts';

/** The file of a result that is too long for messages. */
const RESULT_FILE = 'result.md';
const MARKS = { low: '🔉', normal: '🔔', high: '❗', urgent: '🚨' } as const;

export interface Notification {
  readonly message: string;
  readonly priority: keyof typeof MARKS;
  readonly summary: string | null;
}

/** Turns the updates of sessions into messages for people. */
export class DeskUpdates {
  readonly #table: DeskTable;
  readonly #outbox: Outbox;

  constructor(table: DeskTable, outbox: Outbox) {
    this.#table = table;
    this.#outbox = outbox;
  }

  /** Whether anybody on Discord sees this session: it has a thread, or its owner has a linked account. */
  concerns({ session_id, owner }: DeskSession): boolean {
    return this.#table.thread(session_id) !== null || this.#table.usersOf(owner).length > 0;
  }

  apply(session: DeskSession, update: DeskUpdate, now: number): void {
    const { asks } = this.#table;
    const to = this.#table.placeOf(session.session_id);
    switch (update.kind) {
      case 'asked':
        asks.save(update.view, session.owner, now);
        return this.#outbox.add(laneOf(to), { do: 'ask', to, interaction_id: update.view.interaction_id });
      case 'closed':
        return this.close(update.view, session.owner, now);
      case 'reminded': {
        const { attempt, of } = update;
        if (asks.get(update.view.interaction_id) === null) return;
        asks.save(update.view, session.owner, now);
        return this.#outbox.add(laneOf(to), { do: 'remind', interaction_id: update.view.interaction_id, attempt, of });
      }
      case 'notified':
        return this.notify(update, to, mentionsOf(this.#table, session));
      case 'ended':
        return to === 'channel' ? undefined : this.#ended(to, update.result);
      case 'status':
        break;
    }
    const { status, reason } = update;
    // The end of its turn shows that it is idle, unless messages wait and nothing begins.
    if (to === 'channel' || status === 'running' || (status === 'idle' && reason === null)) return undefined;
    const why = reason === null ? '' : `: ${plain(cutLine(reason.detail, 800, ''))}`;
    this.#outbox.progress(session.session_id, `-# ${status}${why}`);
    if (status === 'stopped' || status === 'failed') this.#endProgress(to);
  }

  /** A question was closed: its message shows how. */
  close(view: InteractionView, owner: string, now: number): void {
    const { asks } = this.#table;
    if (asks.get(view.interaction_id) === null) return;
    asks.save(view, owner, now);
    const to = this.#table.placeOf(view.session_id);
    this.#outbox.add(laneOf(to), { do: 'show_ask', interaction_id: view.interaction_id });
  }

  /** The session is deleted: nobody can answer its questions any more, and no updates will come. */
  sessionDeleted(sessionId: string, now: number): void {
    const to = this.#table.placeOf(sessionId);
    // Nobody has seen anything of it.
    if (to === 'channel' && this.#table.lastUpdate(sessionId) === 0) return;
    if (this.#outbox.isForgetting(to, sessionId)) return;
    for (const { view, owner } of this.#table.asks.openOf(sessionId)) {
      this.close({ ...view, state: 'withdrawn', resolved_at: new Date(now).toISOString() }, owner, now);
    }
    if (to !== 'channel') this.#outbox.say(to, textBody('🗑️ This session was deleted, with all that it stored.'));
    this.#outbox.forget(to, sessionId);
  }

  /** @param mentions the accounts that an urgent one pings */
  notify({ message, priority, summary }: Notification, to: Place, mentions: readonly string[]): void {
    const pinged = pingedFor(priority, mentions);
    const title = summary === null ? '' : ` **${plain(cutLine(summary, 300, ''))}**`;
    const head = [mentionText(pinged), `${MARKS[priority]}${title}`].filter((part) => part !== '').join(' ');
    const split = splitMessage(`${head}\n${message}`);
    const allowed_mentions = pinged.length === 0 ? PING_NOBODY : pingOnly(pinged);
    const body = (content: string) => ({ content, components: [], allowed_mentions, flags: FLAG.suppress_embeds });
    if (split.as === 'file') return this.#outbox.say(to, body(split.head), attachment('message.md', message));
    for (const [index, part] of split.parts.entries()) this.#outbox.say(to, index === 0 ? body(part) : textBody(part));
  }

  #ended(to: Exclude<Place, 'channel'>, result: Extract<DeskUpdate, { kind: 'ended' }>['result']): void {
    const { status, error, total_cost_usd } = result;
    const text = result.result ?? '';
    if (status === 'completed' || text !== '') this.#say(to, text);
    if (status !== 'completed') {
      const said = error === null ? status : `${error.code}: ${error.detail}`;
      this.#outbox.say(
        to,
        textBody(`⚠️ ${status === 'failed' ? 'It failed' : 'It was interrupted'}: ${plain(cutLine(said, 1500, ''))}`),
      );
    }
    const cost = total_cost_usd === null ? '' : ` · $${total_cost_usd.toFixed(2)}`;
    this.#outbox.progress(to.thread_of, `-# ${status === 'completed' ? '✅ done' : `⚠️ ${status}`}${cost}`);
    this.#endProgress(to);
  }

  /** Later progress is shown in a new message, below this one. */
  #endProgress(to: Exclude<Place, 'channel'>): void {
    this.#outbox.add(laneOf(to), { do: 'end_progress', session_id: to.thread_of });
  }

  #say(to: Place, text: string): void {
    const split = splitMessage(text);
    if (split.as === 'file') return this.#outbox.say(to, textBody(split.head), attachment(RESULT_FILE, text));
    for (const part of split.parts) this.#outbox.say(to, textBody(part));
  }
}
