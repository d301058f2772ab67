import type { Outgoing } from '../shared/retrying-call.ts';
import { attachment } from './core/attachment.ts';
import { splitMessage } from './core/text/split-message.ts';
import type { DeskCommand, DeskCommands } from './commands.ts';
import { textBody } from './core/wire/message.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { Place } from './tables/outbox-table.ts';

/** After a failure, milliseconds until a command is tried again. */
const RETRY_MS = 1000;
const givenUp = ({ call, user }: DeskCommand) =>
  `⚠️ <@${user}> \`/claude ${call.name}\` could not be done for so long that it is given up. Say it again.`;

/** A command that is accepted, but not carried out yet. */
export interface QueuedCommand {
  readonly command: DeskCommand;
  /** The interaction's token. It is valid until `expires`, epoch milliseconds. */
  readonly token: string;
  readonly expires: number;
  /** The answer is for everybody, and is posted there once the token has expired; null: it is for nobody else. */
  readonly to: Place | null;
}

/** Carries out commands that Discord was told will be answered later. Each is stored until its answer is queued, so that a crash loses none. */
export class CommandQueue implements Outgoing {
  readonly #ctx: DurableObjectState;
  readonly #commands: DeskCommands;
  readonly #outbox: Outbox;
  readonly #retry: () => void;
  readonly #running = new Set<string>();
  #failedAt: number | null = null;

  /** @param retry asked to have `send` called at `nextTry` */
  constructor(ctx: DurableObjectState, commands: DeskCommands, outbox: Outbox, retry: () => void) {
    this.#ctx = ctx;
    this.#commands = commands;
    this.#outbox = outbox;
    this.#retry = retry;
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS commands (id TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID');
  }

  add(id: string, queued: QueuedCommand): void {
    this.#ctx.storage.sql.exec('INSERT INTO commands (id, json) VALUES (?, ?)', id, JSON.stringify(queued));
    this.send();
  }

  nextTry(): number | null {
    const waits = this.#ctx.storage.sql.exec('SELECT 1 FROM commands LIMIT 1').toArray().length > 0;
    return waits ? (this.#failedAt ?? Date.now()) + RETRY_MS : null;
  }

  /** Carries out the commands that wait. */
  send(): void {
    const queued = this.#ctx.storage.sql.exec<{ id: string; json: string }>(
      'SELECT id, json FROM commands ORDER BY id',
    );
    for (const { id, json } of queued.toArray()) {
      if (this.#running.has(id)) continue;
      this.#running.add(id);
      // `nextTry` must not be in the past while a retry takes long: the alarm would go off again and again.
      this.#failedAt = null;
      this.#ctx.waitUntil(this.#run(id, JSON.parse(json) as QueuedCommand));
    }
  }

  async #run(id: string, { command, token, expires, to }: QueuedCommand): Promise<void> {
    try {
      const isTooOld = Date.now() >= expires;
      const text = isTooOld ? givenUp(command) : await this.#commands.run(command);
      const split = splitMessage(text, { parts: 1 });
      const [body, file] =
        split.as === 'file' ? [split.head, attachment('answer.md', text)] : [split.parts[0] ?? text, null];
      this.#ctx.storage.transactionSync(() => {
        this.#outbox.add(`answer ${id}`, { do: 'answer', to, token, expires, body: textBody(body), file });
        this.#ctx.storage.sql.exec('DELETE FROM commands WHERE id = ?', id);
      });
      this.#outbox.send();
    } catch (error) {
      console.error(`discord: a command could not be carried out, trying again: ${String(error)}`);
      this.#failedAt = Date.now();
    } finally {
      this.#running.delete(id);
      this.#retry();
    }
  }
}
