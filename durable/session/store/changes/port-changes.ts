import type { WrapperNotice } from '../../../../protocol/link/wrapper/wrapper-notice.ts';
import type { Refusal } from '../../../../protocol/api/problem.ts';
import { DEFAULT_TTL_SECONDS, type SharePortRequest } from '../../../../protocol/api/session/port.ts';
import { SECRET_BYTES } from '../../../../protocol/preview/label.ts';
import type { EdgeSettings } from '../../../../protocol/settings/edge-settings.ts';
import type { PortShare } from '../tables/port-table.ts';
import type { SessionTables } from '../session-tables.ts';
import type { Change } from './change.ts';

/** How many ports a session may share. */
export type PortBound = Pick<EdgeSettings, 'MAX_PORTS_PER_SESSION'>;

/** A port to share, and who asks for it. */
interface SharePort extends SharePortRequest {
  readonly by: 'owner' | 'agent' | 'environment';
}

/** The part of a transaction about the ports of the container: which of them something listens on, and which are shared. */
export class PortChanges {
  /** Ports that are shared no longer. */
  readonly unshared: number[] = [];
  readonly #tx: Change;
  readonly #tables: SessionTables;
  readonly #bound: PortBound;
  readonly #now: number;

  constructor(
    tx: Change,
    { tables, bound, now }: { readonly tables: SessionTables; readonly bound: PortBound; readonly now: number },
  ) {
    this.#tx = tx;
    this.#tables = tables;
    this.#bound = bound;
    this.#now = now;
  }

  /** Shares a port. One that is shared keeps its URL, and its time begins anew. */
  share({ port, label, ttl_seconds = DEFAULT_TTL_SECONDS, by }: SharePort): PortShare | Refusal {
    const { ports } = this.#tables;
    const before = ports.get(port, this.#now);
    const { MAX_PORTS_PER_SESSION: most } = this.#bound;
    if (before === null && most > 0 && ports.all(this.#now).length >= most) {
      const detail = `${most} ports of this session are shared, as many as may be (MAX_PORTS_PER_SESSION). Remove one.`;
      return { refused: 'ports_limit_reached', detail };
    }
    const share: PortShare = {
      port,
      label: label ?? before?.label ?? null,
      secret: before?.secret ?? crypto.getRandomValues(new Uint8Array(SECRET_BYTES)),
      created: before?.created ?? this.#now,
      expires: this.#now + ttl_seconds * 1000,
    };
    ports.put(share);
    const expires_at = new Date(share.expires).toISOString();
    this.#tx.emit({ type: 'session.port_shared', data: { port, label: share.label, expires_at, by } });
    return share;
  }

  /** From now on its URL leads nowhere. False: it was not shared. */
  remove(port: number): boolean {
    if (this.#tables.ports.get(port, this.#now) === null) return false;
    this.#end(port, 'removed');
    return true;
  }

  /** Shares end with their time. */
  expire(): void {
    for (const port of this.#tables.ports.expired(this.#now)) this.#end(port, 'expired');
  }

  #end(port: number, cause: 'removed' | 'expired'): void {
    this.#tables.ports.remove(port);
    this.unshared.push(port);
    this.#tx.emit({ type: 'session.port_unshared', data: { port, cause } });
  }

  /** The container says that a port is open or closed. Nothing more follows from it than what people are shown. */
  noticed({ port, state, process: listener }: Extract<WrapperNotice, { notice: 'port' }>): void {
    const process = listener ?? null;
    const { ports } = this.#tables;
    if (state === 'open') ports.opened({ port, process });
    else ports.closed(port);
    const shared = ports.get(port, this.#now) !== null;
    const { epoch } = this.#tx.record.link;
    this.#tx.emit({ type: 'session.port', data: { epoch, port, state, process, shared } });
  }

  /** The container has ended, and with it all that listened. */
  containerEnded(): void {
    this.#tables.ports.allClosed();
  }
}
