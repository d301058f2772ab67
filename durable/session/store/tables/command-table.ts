import { wrapperCommand, type WrapperCommand } from '../../../../protocol/link/wrapper/wrapper-link.ts';

export interface NumberedCommand {
  readonly number: number;
  readonly command: WrapperCommand;
}

/** Commands for the wrapper, numbered from 1 within each epoch and kept until the wrapper has taken them. */
export class CommandTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the table if it does not exist. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS commands (
      epoch INTEGER NOT NULL, number INTEGER NOT NULL, command TEXT, PRIMARY KEY (epoch, number)) WITHOUT ROWID`);
  }

  add(epoch: number, command: WrapperCommand): NumberedCommand {
    const last = this.#sql.exec<{ n: number | null }>('SELECT max(number) AS n FROM commands WHERE epoch = ?', epoch);
    const number = (last.one().n ?? 0) + 1;
    const text = JSON.stringify(command);
    this.#sql.exec('INSERT INTO commands (epoch, number, command) VALUES (?, ?, ?)', epoch, number, text);
    return { number, command };
  }

  /** The commands that the wrapper has not taken yet. */
  after(epoch: number, taken: number): NumberedCommand[] {
    const rows = this.#sql.exec<{ number: number; command: string }>(
      'SELECT number, command FROM commands WHERE epoch = ? AND number > ? AND command IS NOT NULL ORDER BY number',
      epoch,
      taken,
    );
    return [...rows].map(({ number, command }) => ({ number, command: wrapperCommand.parse(JSON.parse(command)) }));
  }

  /** Deletes the text of commands that were taken, but keeps their numbers: a number is never used twice. */
  taken(epoch: number, number: number): void {
    this.#sql.exec(
      'UPDATE commands SET command = NULL WHERE epoch = ? AND number <= ? AND command IS NOT NULL',
      epoch,
      number,
    );
  }

  /** Deletes the commands of earlier epochs. They no longer matter, and a new epoch numbers from 1 again. */
  dropBefore(epoch: number): void {
    this.#sql.exec('DELETE FROM commands WHERE epoch < ?', epoch);
  }
}
