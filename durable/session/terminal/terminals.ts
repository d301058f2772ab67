import * as z from 'zod';
import { SESSION_NOT_FOUND, TERMINAL_OFF, type Refusal } from '../../../protocol/api/problem.ts';
import { terminalOpen, type TerminalOpen } from '../../../protocol/link/terminal/terminal.ts';
import { isRevokedBy, type Revocation } from '../../shared/tokens/revocation.ts';
import type { SessionStore } from '../store/store.ts';
import { ContainerWait } from './container-wait.ts';
import type { RawTunnel } from './raw-tunnel.ts';
import { closeWith } from './close-with.ts';
import { TerminalConnection } from './terminal-connection.ts';

/** Connections to terminals that a session has at once. */
const MAX_CONNECTIONS = 32;
/** The longest time that a timer takes, milliseconds. */
const LONGEST_MS = 0x7f_ff_ff_ff;

/** What a handler says of a viewer that it has let in. Times are epoch milliseconds. */
export const terminalRequest = z.object({
  open: terminalOpen,
  exec: z.boolean(),
  acknowledges: z.boolean(),
  by: z.string(),
  token: z.object({
    jti: z.string().nullable(),
    issued: z.number().nullable(),
    of: z.string().optional(),
    expires: z.number(),
  }),
});
export type TerminalRequest = z.infer<typeof terminalRequest>;

const FULL: Refusal = {
  refused: 'terminal_limit_reached',
  detail: `${MAX_CONNECTIONS} connections to terminals of this session are open. Close one.`,
};
const GONE: Refusal = {
  refused: 'terminal_not_found',
  detail: 'There is no such terminal: it has ended, or its container has.',
};

interface Viewer {
  readonly connection: TerminalConnection;
  readonly token: TerminalRequest['token'];
}

/** People at terminals of the session's container. Nothing of what they type or see is kept. */
export class SessionTerminals {
  readonly #store: SessionStore;
  readonly #tunnel: RawTunnel;
  readonly #wait: ContainerWait;
  readonly #viewers = new Set<Viewer>();

  constructor(store: SessionStore, tunnel: RawTunnel) {
    this.#store = store;
    this.#tunnel = tunnel;
    this.#wait = new ContainerWait(store);
  }

  /** The object has restarted, and with that all connections were cut: nobody is at a terminal. */
  recover(): void {
    if (typeof this.#store.record?.state.attached === 'number') this.#note(false);
  }

  /** The session has changed. */
  changed(): void {
    this.#wait.changed();
  }

  /** Lets a viewer in; or says why not, where its client can read it: on the WebSocket. */
  open(request: TerminalRequest): WebSocket | Refusal {
    if (this.#store.record === null) return SESSION_NOT_FOUND;
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    const refused = this.#refusal(request.open);
    if (refused === null) this.#letIn(server, request);
    else closeWith(server, refused.refused, refused.detail);
    return client;
  }

  #refusal({ begin }: TerminalOpen): Refusal | null {
    if (this.#store.settings.TERMINAL !== '1') return TERMINAL_OFF;
    if (this.#viewers.size >= MAX_CONNECTIONS) return FULL;
    // Without a container there is none, and none is started to find that out.
    return begin === undefined && this.#store.record?.state.container !== 'ready' ? GONE : null;
  }

  #letIn(server: WebSocket, { open, exec, acknowledges, by, token }: TerminalRequest): void {
    const connection = new TerminalConnection(
      server,
      { open, exec, acknowledges },
      {
        tunnel: this.#tunnel,
        ready: (say, isGone) => this.#wait.ready(say, isGone),
        opening: (full) => this.#opening(full, by),
        refused: (terminal) => this.#refused(terminal),
        typed: () => this.#note(true),
        closed: () => {
          clearTimeout(expires);
          this.#viewers.delete(viewer);
          if (this.#viewers.size === 0) this.#note(false);
        },
      },
    );
    const viewer: Viewer = { connection, token };
    const expires = setTimeout(
      () => connection.close('token_expired', 'The token has expired: come back with a new one.'),
      Math.min(Math.max(0, token.expires - Date.now()), LONGEST_MS),
    );
    this.#viewers.add(viewer);
    void connection.run();
  }

  /** Ends the connections whose token is revoked. */
  endRevoked(what: Revocation, owner: string): void {
    for (const { connection, token } of this.#viewers)
      if (isRevokedBy(what, { jti: token.jti, sub: owner, issued: token.issued, of: token.of }))
        connection.close('token_revoked', 'The token has been revoked.');
  }

  /** Ends all of them: the session was deleted. */
  close(): void {
    for (const { connection } of this.#viewers) connection.close('session_not_found', 'The session was deleted.');
    this.#wait.changed();
  }

  /** Before the container is asked: of a short command it says that it has ended sooner than that it has begun. */
  #opening({ terminal: terminal_id, begin }: TerminalOpen, by: string): void {
    this.#store.change((tx, now) => {
      tx.input({ on: 'attached', attached: true });
      if (begin === undefined) return;
      const terminal = { terminal_id, by, command: begin.command !== undefined, tty: begin.tty, opened: now };
      tx.input({ on: 'terminal_opened', epoch: tx.record.state.epoch, terminal });
    });
  }

  #refused(terminal_id: string): void {
    if (this.#store.record === null) return;
    this.#store.change((tx) => tx.input({ on: 'terminal_ended', terminal_id, code: null, signal: null }));
  }

  #note(attached: boolean): void {
    const { record } = this.#store;
    if (record === null || (!attached && typeof record.state.attached !== 'number')) return;
    this.#store.change((tx) => tx.input({ on: 'attached', attached }));
  }
}
