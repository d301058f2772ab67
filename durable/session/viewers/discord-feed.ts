import { resultOf } from '../core/children/child-updates.ts';
import { condense } from '../core/condense-event.ts';
import { cutLine, plain } from '../../discord/core/text/text.ts';
import type { Shown } from '../store/tables/event-log.ts';
import type { DeskNews, StoredDeskNews } from '../core/discord-updates.ts';
import { DISCORD_DESK, type EdgeEnv } from '../../rpc/edge-env.ts';
import { interactionViewOf } from '../../shared/interactions/interaction-view.ts';
import type { SessionCore } from '../store/store.ts';
import { Teller } from '../../shared/retrying-call.ts';

/** News that one call carries. */
const MAX_NEWS = 20;

/** Between two looks at what it does, milliseconds. */
const PROGRESS_MS = 2000;
/** Of what it says, characters. */
const MAX_PROGRESS = 300;
const TURN_ENDS: readonly string[] = ['message.completed', 'message.failed', 'message.interrupted'];

/** Tells the Discord desk what people there are to see of a session. What is to be told is stored until it was heard. */
export class SessionDiscord {
  readonly #ctx: DurableObjectState;
  readonly #env: EdgeEnv;
  readonly #core: SessionCore;
  readonly #teller: Teller;
  /** What it does now, and people have not been shown; null: nothing. */
  #latest: string | null = null;
  #isShowing = false;
  #isDeleted = false;

  /** @param retry asked to have `tell` called at `nextTry` */
  constructor(ctx: DurableObjectState, env: EdgeEnv, core: SessionCore, retry: () => void) {
    this.#ctx = ctx;
    this.#env = env;
    this.#core = core;
    const isDue = () => !this.#isDeleted && this.#core.record !== null && !this.#core.deskNews.isEmpty;
    this.#teller = new Teller({ ctx, whom: 'the Discord desk', isDue, tell: () => this.#send(), retry });
  }

  nextTry(): number | null {
    return this.#teller.nextTry();
  }

  /** Tells what there is to tell. */
  tell(): void {
    this.#teller.tell();
  }

  /** Shows what the session does now: the last of it each time, and no more often than can be read. */
  show(shown: readonly Shown[]): void {
    if (this.#isDeleted || !this.#core.current.on_discord) return;
    for (const one of shown) {
      // How a turn ended is told as news; what it did before is past then.
      if ('seq' in one && TURN_ENDS.includes(one.type)) this.#latest = null;
      const text = progressOf(one);
      if (text !== '') this.#latest = text;
    }
    if (this.#latest === null || this.#isShowing) return;
    this.#isShowing = true;
    this.#ctx.waitUntil(this.#showOn(this.#core.current.identity.session_id));
  }

  /** The session is being deleted: what it still had to tell is told no more. May be called again. */
  async leave(): Promise<void> {
    if (!this.#core.isOnDiscord) return;
    this.#isDeleted = true;
    await this.#desk().deleted(this.#core.current.identity.session_id);
  }

  async #showOn(sessionId: string): Promise<void> {
    try {
      for (let text = this.#latest; text !== null && this.#core.record !== null; text = this.#latest) {
        this.#latest = null;
        await this.#desk().progress(sessionId, text);
        await scheduler.wait(PROGRESS_MS);
      }
    } catch (error) {
      console.warn(`session: Discord was not shown its progress: ${String(error)}`);
    } finally {
      this.#isShowing = false;
    }
  }

  async #send(): Promise<void> {
    const { session_id, owner } = this.#core.current.identity;
    const stored = this.#core.deskNews.next(MAX_NEWS);
    const news = stored.flatMap(({ n, event }) => {
      const told = this.#shown(event);
      return told === null ? [] : [{ n, news: told }];
    });
    await this.#desk().hear({ session_id, owner }, news);
    const last = stored.at(-1);
    if (last !== undefined && this.#core.record !== null) this.#core.deskNews.heard(last.n);
  }

  /** Null: what it is about is not there any more. */
  #shown(news: StoredDeskNews): DeskNews | null {
    const { session_id } = this.#core.current.identity;
    switch (news.kind) {
      case 'notified':
      case 'status':
        return news;
      case 'ended': {
        const message = this.#core.messages.view(session_id, news.message_id);
        return message === null ? null : { kind: 'ended', result: resultOf(message) };
      }
      case 'asked':
      case 'closed':
      case 'reminded':
        break;
    }
    const found = this.#core.interactions.get(news.interaction_id);
    return found === null ? null : { ...news, view: interactionViewOf(found, session_id) };
  }

  #desk() {
    return this.#env.DISCORD.get(this.#env.DISCORD.idFromName(DISCORD_DESK));
  }
}

/** Of what the agent says and does, a line; '' for anything else. */
function progressOf(shown: Shown): string {
  if (!('seq' in shown) || shown.type !== 'assistant') return '';
  const text = condense(shown.type, JSON.parse(shown.json));
  return text === '' ? '' : `⚙️ ${plain(cutLine(text, MAX_PROGRESS, '…'))}`;
}
