import { v7 as uuidV7 } from 'uuid';
import type { FilesRefusal, FilesRequest } from '../../../protocol/api/files/files.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { Ordered } from '../../rpc/pool-rpc.ts';
import { refusalResponse } from '../../shared/refusal-response.ts';
import { Transfer } from './transfer.ts';

/** How long a runner has to dial in for a transfer, milliseconds. */
const DIAL_MS = 30_000;
/** Most open transfers of one session. Each may hold two windows of bytes in memory. */
const MAX_TRANSFERS = 16;

/** Orders transfers from runners, and is notified whether the runner dials in. */
export interface TransferOrders {
  /** Orders the transfer from the runner that can access the files. */
  order(transferId: string, request: FilesRequest): Promise<Ordered | Refusal>;
  /**
   * The runner has dialled in, and may change the files from now on. False: it must not, as the session was woken
   * meanwhile.
   */
  reached(transferId: string): boolean;
  /** The runner has not dialled in, and no longer can. */
  unreached(transferId: string): void;
}

interface Open {
  readonly transfer: Transfer;
  readonly ordered: Promise<Ordered | Refusal>;
  /** The runner has dialled in. It can do so only once. */
  claimed: boolean;
}

/** A session's transfers: pairs each client that asks for files with the runner that dials in to answer. */
export class Transfers {
  readonly #orders: TransferOrders;
  readonly #bodyTimeout: number;
  readonly #open = new Map<string, Open>();

  /** @param bodyTimeout see `TransferOptions` */
  constructor(orders: TransferOrders, bodyTimeout: number) {
    this.#orders = orders;
    this.#bodyTimeout = bodyTimeout;
  }

  /** Sends `request` to the runner that has the files. `transfer-answer.ts` describes the response. */
  async open(request: FilesRequest, body: ReadableStream<Uint8Array> | null): Promise<Response> {
    if (this.#open.size >= MAX_TRANSFERS) {
      const detail = `${MAX_TRANSFERS} requests for this session's files are under way already. Let some finish.`;
      return refusalResponse({ refused: 'files_unavailable', detail });
    }
    const id = uuidV7();
    let dialTimer: ReturnType<typeof setTimeout> | null = null;
    const headOnly = request.op === 'read' && request.head_only;
    const transfer = new Transfer({ body, headOnly, bodyTimeout: this.#bodyTimeout }, () => {
      clearTimeout(dialTimer);
      const open = this.#open.get(id);
      if (this.#open.delete(id) && open?.claimed === false) this.#orders.unreached(id);
    });
    const open: Open = { transfer, ordered: this.#orders.order(id, request), claimed: false };
    this.#open.set(id, open);
    try {
      const ordered = await open.ordered;
      if ('refused' in ordered) transfer.refuse(ordered);
      else if (!ordered.sent) transfer.fail(ordered.detail);
      else if (!open.claimed) {
        const detail = `The runner "${ordered.runner}" did not come for the request within ${DIAL_MS / 1000} s. Try again, or look at its log.`;
        dialTimer = setTimeout(() => {
          if (!open.claimed) transfer.fail(detail);
        }, DIAL_MS);
      }
      return await transfer.answer;
    } catch (error) {
      transfer.fail('The runner could not be told.');
      throw error;
    }
  }

  /** A runner dials in for a transfer. Only the runner that got the order may, and only once. */
  async dial(id: string, runner: string): Promise<Response> {
    const open = this.#open.get(id);
    // The runner can dial in before the pool has answered.
    const ordered = await open?.ordered;
    if (open === undefined || ordered === undefined || 'refused' in ordered) return notFound();
    if (!ordered.sent || ordered.runner !== runner) return notFound();
    if (open.claimed || this.#open.get(id) !== open) return notFound();
    open.claimed = true;
    if (!this.#orders.reached(id)) {
      open.transfer.fail('The session was woken before the runner came. Try again once it runs.');
      return notFound();
    }
    const { 0: client, 1: server } = new WebSocketPair();
    open.transfer.connect(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** The runner refuses the order and does not dial in. Only the runner that got the order may. */
  async refused(id: string, runner: string, refusal: FilesRefusal): Promise<void> {
    const open = this.#open.get(id);
    const ordered = await open?.ordered;
    if (open === undefined || ordered === undefined || 'refused' in ordered) return;
    if (!ordered.sent || ordered.runner !== runner) return;
    const { code: refused, detail } = refusal;
    if (!open.claimed) open.transfer.refuse({ refused, detail });
  }

  /** Ends all transfers: the session was deleted. */
  end(): void {
    for (const { transfer } of this.#open.values()) {
      transfer.refuse({ refused: 'session_not_found', detail: 'The session was deleted.' });
    }
  }
}

const notFound = () => new Response(null, { status: 404 });
