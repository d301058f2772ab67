import { attachment } from './core/attachment.ts';
import { splitMessage } from './core/text/split-message.ts';
import type { DeskCommand, DeskCommands } from './commands.ts';
import { quiet } from './outbox/errand-request.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { Place } from './outbox/outbox-table.ts';

/** After a failure, milliseconds until a command is tried again. */
const RETRY_MS = 1000;
const givenUp = ({ call, user }: DeskCommand) =>
  `⚠️ <@${user}> \`/claude ${call.name}\` could not be done for so long that it is given up. Say it again.`;

/** A command that was taken and is not carried out yet. */
export interface TakenCommand {
  readonly command: DeskCommand;
  /** Of the interaction, until `expires` (epoch milliseconds). */
  readonly token: string;
  readonly expires: number;
  /** Others see the answer too, and once the token is too old it is said there; null: it is for nobody else. */
  readonly to: Place | null;
}

/** Carries out commands after Discord has been told that the answer comes later. Stored until it is queued, so that a crash forgets none. */
export class CommandWork {
  readonly #ctx: DurableObjectState;
  readonly #commands: DeskCommands;
  readonly #outbox: Outbox;
  readonly #retry: () => void;
  readonly #underWay = new Set<string>();
  #failedAt: number | null = null;

  /** @param retry asked to have `tell` called before long */
  constructor(ctx: DurableObjectState, commands: DeskCommands, outbox: Outbox, retry: () => void) {
    this.#ctx = ctx;
    this.#commands = commands;
    this.#outbox = outbox;
    this.#retry = retry;
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS commands (id TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID');
  }

  add(id: string, taken: TakenCommand): void {
    this.#ctx.storage.sql.exec('INSERT INTO commands (id, json) VALUES (?, ?)', id, JSON.stringify(taken));
    this.tell();
  }

  /** When there is something to do, epoch milliseconds; null: nothing. */
  nextTry(): number | null {
    const waits = this.#ctx.storage.sql.exec('SELECT 1 FROM commands LIMIT 1').toArray().length > 0;
    return waits ? (this.#failedAt ?? Date.now()) + RETRY_MS : null;
  }

  tell(): void {
    const taken = this.#ctx.storage.sql.exec<{ id: string; json: string }>('SELECT id, json FROM commands ORDER BY id');
    for (const { id, json } of taken.toArray()) {
      if (this.#underWay.has(id)) continue;
      this.#underWay.add(id);
      // Else one that is tried again and takes long would be asked after at once, time and again.
      this.#failedAt = null;
      this.#ctx.waitUntil(this.#run(id, JSON.parse(json) as TakenCommand));
    }
  }

  async #run(id: string, { command, token, expires, to }: TakenCommand): Promise<void> {
    try {
      const isTooOld = Date.now() >= expires;
      const text = isTooOld ? givenUp(command) : await this.#commands.run(command);
      const split = splitMessage(text, { parts: 1 });
      const [body, file] =
        split.as === 'file' ? [split.head, attachment('answer.md', text)] : [split.parts[0] ?? text, null];
      this.#ctx.storage.transactionSync(() => {
        this.#outbox.add(`answer ${id}`, { do: 'answer', to, token, expires, body: quiet(body), file });
        this.#ctx.storage.sql.exec('DELETE FROM commands WHERE id = ?', id);
      });
      this.#outbox.tell();
    } catch (error) {
      console.error(`discord: a command could not be carried out, trying again: ${String(error)}`);
      this.#failedAt = Date.now();
    } finally {
      this.#underWay.delete(id);
      this.#retry();
    }
  }
}
