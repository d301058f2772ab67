import type { InteractionView } from '../../protocol/interaction.ts';
import type { DeskNews, DeskSession } from '../core/discord/desk-news.ts';
import { PING_NOBODY, calledFor, mentionText, pingOnly, type Mention } from '../core/discord/mentions.ts';
import { splitMessage } from '../core/discord/split-message.ts';
import { cutLine, plain } from '../core/discord/text.ts';
import { FLAG } from '../core/discord/wire.ts';
import type { DeskTable } from './desk-table.ts';
import { laneOf, quiet, type Outbox } from './outbox.ts';
import type { Place } from './outbox-table.ts';

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

  tell(session: DeskSession, news: DeskNews): void {
    const to = this.#placeOf(session.session_id);
    switch (news.kind) {
      case 'asked':
        this.#table.saveAsk(news.view);
        return this.#outbox.add(laneOf(to), { do: 'ask', to, interaction_id: news.view.interaction_id });
      case 'closed':
        return this.closed(news.view, to);
      case 'reminded': {
        const { attempt, of } = news;
        this.#table.saveAsk(news.view);
        return this.#outbox.add(laneOf(to), { do: 'remind', interaction_id: news.view.interaction_id, attempt, of });
      }
      case 'notified':
        return this.notify(news, to, this.#mentionsOf(session));
      case 'ended':
        return to === 'channel' ? undefined : this.#ended(to, news.result);
      case 'status':
        break;
    }
    const { status, reason } = news;
    if (to === 'channel' || status === 'running') return undefined;
    const why = reason === null ? '' : `: ${plain(cutLine(reason.detail, 800, ''))}`;
    return this.#outbox.progress(session.session_id, `-# ${status}${why}`);
  }

  /** What was asked is asked no longer, or as far as it was answered. */
  closed(view: InteractionView, to: Place): void {
    if (this.#table.ask(view.interaction_id) === null) return;
    this.#table.saveAsk(view);
    this.#outbox.add(laneOf(to), { do: 'show_ask', interaction_id: view.interaction_id });
  }

  /** @param mentions whom it calls when it is urgent */
  notify({ message, priority, summary }: Notification, to: Place, mentions: readonly Mention[]): void {
    const called = calledFor(priority, mentions);
    const title = summary === null ? '' : ` **${plain(cutLine(summary, 300, ''))}**`;
    const head = [mentionText(called), `${MARKS[priority]}${title}`].filter((part) => part !== '').join(' ');
    const split = splitMessage(`${head}\n${message}`);
    const allowed_mentions = called.length === 0 ? PING_NOBODY : pingOnly(called);
    const body = (content: string) => ({ content, components: [], allowed_mentions, flags: FLAG.suppress_embeds });
    if (split.as === 'file') return this.#outbox.say(to, body(split.head), { name: 'message.md', text: message });
    for (const [index, part] of split.parts.entries()) this.#outbox.say(to, index === 0 ? body(part) : quiet(part));
  }

  #ended(to: Exclude<Place, 'channel'>, result: Extract<DeskNews, { kind: 'ended' }>['result']): void {
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
    // What comes next is shown below this, in a message of its own.
    this.#outbox.add(laneOf(to), { do: 'end_progress', session_id: to.thread_of });
  }

  #say(to: Place, text: string): void {
    const split = splitMessage(text);
    if (split.as === 'file') return this.#outbox.say(to, quiet(split.head), { name: RESULT_FILE, text });
    for (const part of split.parts) this.#outbox.say(to, quiet(part));
  }

  #placeOf(sessionId: string): Place {
    return this.#table.thread(sessionId) === null ? 'channel' : { thread_of: sessionId };
  }

  #mentionsOf({ session_id, owner }: DeskSession): Mention[] {
    const thread = this.#table.thread(session_id);
    const users = thread === null ? this.#table.usersOf(owner) : [thread.user];
    return users.map((user) => ({ user }));
  }
}
