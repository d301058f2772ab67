import type { APIInteractionResponse } from 'discord-api-types/v10';
import { ephemeral } from './core/wire/responses.ts';
import type { DeskTable } from './tables/desk-table.ts';

/** How long a code is valid, milliseconds. */
const CODE_MS = 10 * 60_000;
/** No two of these letters look alike. */
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** Which Discord account belongs to which owner. A code from the API proves it. */
export class AccountLinks {
  readonly #table: DeskTable;

  constructor(table: DeskTable) {
    this.#table = table;
  }

  /** A one-time code of 80 bits that links an account to `owner`. */
  mintCode(owner: string): { code: string; expires_at: string } {
    const code = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => LETTERS[byte % 32]).join('');
    const expires = Date.now() + CODE_MS;
    this.#table.addCode(code, owner, expires);
    return { code, expires_at: new Date(expires).toISOString() };
  }

  /** `/claude link CODE` */
  link(user: string, code: string): APIInteractionResponse {
    const owner = this.#table.takeCode(code.trim().toUpperCase(), Date.now());
    if (owner === null) {
      return ephemeral('That code is not good, or too old. Get another one: `POST /api/v1/discord/link`.');
    }
    this.#table.link(user, owner);
    return ephemeral(`You are ${JSON.stringify(owner)} here from now on. \`/claude start\` begins a session.`);
  }
}
