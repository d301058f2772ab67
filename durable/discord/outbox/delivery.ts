import { discordMessages, type DiscordMessage } from '../../../protocol/api/discord.ts';
import { isSameMessage } from '../core/same-message.ts';
import { messagesSince, type DiscordRequest } from '../core/wire/requests.ts';
import { createdAt } from '../core/wire/snowflake.ts';
import type { DeskTable } from '../tables/desk-table.ts';
import type { Job, OutboxTable, QueuedJob } from '../tables/outbox-table.ts';
import type { DiscordOutcome, DiscordRest } from './rest.ts';

/** Discord certainly knows a nonce for this long ("some minutes"). After that we look whether the message exists, milliseconds. */
const NONCE_MS = 60_000;
/** If Discord took the first attempt, it did so within this time, milliseconds. */
const TAKEN_MS = 2 * NONCE_MS;
/** How far our clock may be ahead of Discord's, milliseconds. */
const CLOCK_MS = 5000;

interface Dependencies {
  readonly rest: Pick<DiscordRest, 'send'>;
  readonly table: OutboxTable;
  readonly desk: DeskTable;
  readonly now: () => number;
}

/** Sends each message once, even if Discord takes one whose answer is lost. */
export class DiscordDelivery {
  readonly #deps: Dependencies;

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /** Sends the request, unless an earlier attempt has made its message already. */
  async send({ n, job, sent_at }: QueuedJob, request: DiscordRequest): Promise<DiscordOutcome> {
    const { rest, table, now } = this.#deps;
    const isNonceKnown = sent_at === null || now() <= sent_at + NONCE_MS;
    const list = isNonceKnown ? null : messagesSince(request, sent_at - CLOCK_MS);
    if (sent_at !== null && list !== null) {
      const listed = await rest.send(list);
      if (listed.is === 'failed' || listed.is === 'rate_limited') return listed;
      const messages = listed.is === 'ok' ? (discordMessages.safeParse(listed.body).data ?? []) : [];
      const existing = messages.find(
        (message) => createdAt(message.id) < sent_at + TAKEN_MS && this.#isOf(job, request, message),
      );
      if (existing !== undefined) return { is: 'ok', body: existing };
    }
    const firstSent = list === null ? sent_at : null;
    table.setSent(n, firstSent ?? now());
    const outcome = await rest.send(request);
    if (outcome.is !== 'failed') table.setSent(n, outcome.is === 'ok' ? null : firstSent);
    return outcome;
  }

  #isOf(job: Job, request: DiscordRequest, message: DiscordMessage): boolean {
    if (!isSameMessage(message, request, job.do === 'ask' ? job.interaction_id : null)) return false;
    // Two sessions may have the same name, but each has a message of its own.
    return job.do !== 'open_thread' || !this.#deps.desk.isAnchor(message.id);
  }
}
