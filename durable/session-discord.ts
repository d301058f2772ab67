import { resultOf } from './core/child-news.ts';
import { condense } from './core/condense-event.ts';
import { cutLine, plain } from './core/discord/text.ts';
import type { Shown } from './event-log.ts';
import type { DeskNews, StoredDeskNews } from './core/discord/desk-news.ts';
import { DISCORD_DESK, type EdgeEnv } from './edge-env.ts';
import { interactionViewOf } from './interaction-views.ts';
import type { SessionCore } from './session-core.ts';
import { Teller } from './teller.ts';

/** News that one call carries. */
const MAX_NEWS = 20;

/** Between two looks at what it does, milliseconds. */
const PROGRESS_MS = 2000;
/** Of what it says, characters. */
const MAX_PROGRESS = 300;

/** Tells the Discord desk what people there are to see of a session. What is to be told is stored until it was heard. */
export class SessionDiscord {
  readonly #ctx: DurableObjectState;
  readonly #env: EdgeEnv;
  readonly #core: SessionCore;
  readonly #teller: Teller;
  #shownAt = 0;

  /** @param retry asked to have `tell` called at `nextTry` */
  constructor(ctx: DurableObjectState, env: EdgeEnv, core: SessionCore, retry: () => void) {
    this.#ctx = ctx;
    this.#env = env;
    this.#core = core;
    const isDue = () => this.#core.record !== null && !this.#core.deskNews.isEmpty;
    this.#teller = new Teller({ ctx, whom: 'the Discord desk', isDue, tell: () => this.#send(), retry });
  }

  nextTry(): number | null {
    return this.#teller.nextTry();
  }

  /** Tells what there is to tell. */
  tell(): void {
    this.#teller.tell();
  }

  /** Shows what the session does now, now and then: what is left out is soon followed by something else. */
  show(shown: readonly Shown[]): void {
    const { on_discord, identity } = this.#core.current;
    const now = Date.now();
    if (!on_discord || now < this.#shownAt + PROGRESS_MS) return;
    const { session_id } = identity;
    const text = shown.map(progressOf).findLast((one) => one !== '');
    if (text === undefined) return;
    this.#shownAt = now;
    this.#ctx.waitUntil(
      this.#desk()
        .progress(session_id, text)
        .catch((error: unknown) => console.warn(`session: Discord was not shown its progress: ${String(error)}`)),
    );
  }

  async #send(): Promise<void> {
    const { session_id, owner, spawn } = this.#core.current.identity;
    const stored = this.#core.deskNews.next(MAX_NEWS);
    const news = stored.flatMap(({ n, event }) => {
      const told = this.#shown(event);
      return told === null ? [] : [{ n, news: told }];
    });
    await this.#desk().hear({ session_id, owner, title: spawn?.title ?? null }, news);
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
