import { base64url, SignJWT } from 'jose';
import type { Refusal } from '../../../protocol/api/problem.ts';
import { TokenType } from '../../../protocol/token.ts';
import { signingKey, type KeySettings } from '../../../protocol/token-keys.ts';
import type { Caller } from '../../rpc/caller.ts';
import type { SessionStore } from '../store/store.ts';

/** How long a ticket is good for, milliseconds. */
const TICKET_MS = 30_000;
/** Tickets of one session that may wait to be used. */
const MAX_TICKETS = 100;

/** A ticket, and the hash by which the session knows it. */
export interface Ticket {
  readonly ticket: string;
  readonly hash: string;
}

/** A new ticket of a session. It is signed, so that whoever guesses one does not get as far as the session. */
export async function newTicket(settings: KeySettings, sessionId: string): Promise<Ticket> {
  const ticket = await new SignJWT()
    .setProtectedHeader({ alg: 'HS256', typ: TokenType.ticket })
    .setSubject(sessionId)
    .setJti(base64url.encode(crypto.getRandomValues(new Uint8Array(32))))
    .setExpirationTime(new Date(Date.now() + TICKET_MS))
    .sign(await signingKey(settings, 'ticket'));
  return { ticket, hash: await hashOf(ticket) };
}

async function hashOf(ticket: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(ticket));
  return base64url.encode(new Uint8Array(digest));
}

/** Tickets let a browser open what takes no header: a WebSocket, an event stream, a download. */
export class Tickets {
  readonly #store: SessionStore;

  constructor(store: SessionStore) {
    this.#store = store;
  }

  /** Gives a ticket to a caller, who may make one call of this session with it. */
  give({ ticket, hash }: Ticket, caller: Caller): { ticket: string; expires_at: string } | Refusal {
    const now = Date.now();
    if (this.#store.tickets.count(now) >= MAX_TICKETS) {
      const detail = `${MAX_TICKETS} tickets of this session wait to be used. Each is good for ${TICKET_MS / 1000} s.`;
      return { refused: 'tickets_limit_reached', detail };
    }
    // The ticket opens nothing that its token would not.
    const expires = Math.min(now + TICKET_MS, caller.expires);
    this.#store.tickets.add(hash, caller, expires);
    return { ticket, expires_at: new Date(expires).toISOString() };
  }

  /** Uses a ticket. Null: it is none, was used, or has expired. */
  async take(ticket: string): Promise<Caller | null> {
    const hash = await hashOf(ticket);
    return this.#store.record === null ? null : this.#store.tickets.take(hash, Date.now());
  }
}
