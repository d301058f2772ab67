import type { InteractionView } from '../../protocol/api/interaction.ts';
import type { DeskUpdate, DeskSession } from '../rpc/discord-rpc.ts';
import { PING_NOBODY, calledFor, mentionText, pingOnly } from './core/text/mentions.ts';
import { splitMessage } from './core/text/split-message.ts';
import { cutLine, plain } from './core/text/text.ts';
import { FLAG } from './core/wire/wire.ts';
import { attachment } from './core/attachment.ts';
import { mentionsOf } from './ask-looks.ts';
import type { DeskTable } from './desk-table.ts';
import { quiet } from './outbox/errand-request.ts';
import { laneOf, type Outbox } from './outbox/outbox.ts';
import type { Place } from './outbox/outbox-table.ts';

/** Of a longer result, the thread has the file. */
const RESULT_FILE = 'result.md';
const MARKS = { low: '🔉', normal: '🔔', high: '❗', urgent: '🚨' } as const;

export interface Notification {
  readonly message: string;
  readonly priority: keyof typeof MARKS;
  readonly summary: string | null;
}

/** Makes of what sessions tell what people are shown. */
export class DeskNewsroom {
  readonly #table: DeskTable;
  readonly #outbox: Outbox;

  constructor(table: DeskTable, outbox: Outbox) {
    this.#table = table;
    this.#outbox = outbox;
  }

  /** Whether anybody on Discord is to hear of that session: it is shown there, or somebody there is its owner. */
  concerns({ session_id, owner }: DeskSession): boolean {
    return this.#table.thread(session_id) !== null || this.#table.usersOf(owner).length > 0;
  }

  tell(session: DeskSession, news: DeskUpdate, now: number): void {
    const { asks } = this.#table;
    const to = this.#table.placeOf(session.session_id);
    switch (news.kind) {
      case 'asked':
        asks.save(news.view, session.owner, now);
        return this.#outbox.add(laneOf(to), { do: 'ask', to, interaction_id: news.view.interaction_id });
      case 'closed':
        return this.closed(news.view, session.owner, now);
      case 'reminded': {
        const { attempt, of } = news;
        if (asks.get(news.view.interaction_id) === null) return;
        asks.save(news.view, session.owner, now);
        return this.#outbox.add(laneOf(to), { do: 'remind', interaction_id: news.view.interaction_id, attempt, of });
      }
      case 'notified':
        return this.notify(news, to, mentionsOf(this.#table, session));
      case 'ended':
        return to === 'channel' ? undefined : this.#ended(to, news.result);
      case 'status':
        break;
    }
    const { status, reason } = news;
    // That it is idle shows in how its turn ended.
    if (to === 'channel' || status === 'running' || status === 'idle') return undefined;
    const why = reason === null ? '' : `: ${plain(cutLine(reason.detail, 800, ''))}`;
    this.#outbox.progress(session.session_id, `-# ${status}${why}`);
    if (status === 'stopped' || status === 'failed') this.#endProgress(to);
  }

  /** What was asked is asked no longer. */
  closed(view: InteractionView, owner: string, now: number): void {
    const { asks } = this.#table;
    if (asks.get(view.interaction_id) === null) return;
    asks.save(view, owner, now);
    const to = this.#table.placeOf(view.session_id);
    this.#outbox.add(laneOf(to), { do: 'show_ask', interaction_id: view.interaction_id });
  }

  /** The session is deleted: nobody can answer what it asked, and nothing more comes from it. */
  deleted(sessionId: string, now: number): void {
    const to = this.#table.placeOf(sessionId);
    // Nobody was told anything of it, or it is under way.
    if (to === 'channel' && this.#table.heard(sessionId) === 0) return;
    if (this.#outbox.isForgetting(to, sessionId)) return;
    for (const { view, owner } of this.#table.asks.openOf(sessionId)) {
      this.closed({ ...view, state: 'withdrawn', resolved_at: new Date(now).toISOString() }, owner, now);
    }
    if (to !== 'channel') this.#outbox.say(to, quiet('🗑️ This session was deleted, with all that it stored.'));
    this.#outbox.forget(to, sessionId);
  }

  /** @param mentions whom it calls when it is urgent */
  notify({ message, priority, summary }: Notification, to: Place, mentions: readonly string[]): void {
    const called = calledFor(priority, mentions);
    const title = summary === null ? '' : ` **${plain(cutLine(summary, 300, ''))}**`;
    const head = [mentionText(called), `${MARKS[priority]}${title}`].filter((part) => part !== '').join(' ');
    const split = splitMessage(`${head}\n${message}`);
    const allowed_mentions = called.length === 0 ? PING_NOBODY : pingOnly(called);
    const body = (content: string) => ({ content, components: [], allowed_mentions, flags: FLAG.suppress_embeds });
    if (split.as === 'file') return this.#outbox.say(to, body(split.head), attachment('message.md', message));
    for (const [index, part] of split.parts.entries()) this.#outbox.say(to, index === 0 ? body(part) : quiet(part));
  }

  #ended(to: Exclude<Place, 'channel'>, result: Extract<DeskUpdate, { kind: 'ended' }>['result']): void {
    const { status, error, total_cost_usd } = result;
    const text = result.result ?? '';
    if (status === 'completed' || text !== '') this.#say(to, text);
    if (status !== 'completed') {
      const said = error === null ? status : `${error.code}: ${error.detail}`;
      this.#outbox.say(
        to,
        quiet(`⚠️ ${status === 'failed' ? 'It failed' : 'It was interrupted'}: ${plain(cutLine(said, 1500, ''))}`),
      );
    }
    const cost = total_cost_usd === null ? '' : ` · $${total_cost_usd.toFixed(2)}`;
    this.#outbox.progress(to.thread_of, `-# ${status === 'completed' ? '✅ done' : `⚠️ ${status}`}${cost}`);
    this.#endProgress(to);
  }

  /** What comes next is shown below this, in a message of its own. */
  #endProgress(to: Exclude<Place, 'channel'>): void {
    this.#outbox.add(laneOf(to), { do: 'end_progress', session_id: to.thread_of });
  }

  #say(to: Place, text: string): void {
    const split = splitMessage(text);
    if (split.as === 'file') return this.#outbox.say(to, quiet(split.head), attachment(RESULT_FILE, text));
    for (const part of split.parts) this.#outbox.say(to, quiet(part));
  }
}
