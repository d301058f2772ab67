import { v7 as uuidV7 } from 'uuid';
import type { FilesRefusal, FilesRequest } from '../../../protocol/api/files.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { Ordered } from '../../rpc/pool-rpc.ts';
import { refusalResponse } from './transfer-answer.ts';
import { Transfer } from './transfer.ts';

/** How long a runner has to come for a transfer, milliseconds. */
const DIAL_MS = 30_000;
/** Transfers of one session at once: each may hold two windows of bytes. */
const MAX_TRANSFERS = 16;

/** How transfers are ordered, and who else has to know. */
export interface TransferOrders {
  /** Has the runner that can get at the files told to come for it, or says why not. */
  order(transferId: string, request: FilesRequest): Promise<Ordered | Refusal>;
  /** The runner has come: from here on, what was asked may happen. False: the session was woken meanwhile, so it must not. */
  reached(transferId: string): boolean;
  /** It does not come, and never will. */
  unreached(transferId: string): void;
}

interface Open {
  readonly transfer: Transfer;
  readonly ordered: Promise<Ordered | Refusal>;
  /** The runner has come: nobody else can. */
  claimed: boolean;
}

/** A session's transfers: pairs each client that asks for files with the runner that dials in to answer. */
export class Transfers {
  readonly #orders: TransferOrders;
  readonly #open = new Map<string, Open>();

  constructor(orders: TransferOrders) {
    this.#orders = orders;
  }

  /** Asks `request` of the runner that has the files; `body` is the client's. See `transfer-answer.ts` for the answer. */
  async open(request: FilesRequest, body: ReadableStream<Uint8Array> | null): Promise<Response> {
    if (this.#open.size >= MAX_TRANSFERS) {
      const detail = `${MAX_TRANSFERS} requests for this session's files are under way already. Let some finish.`;
      return refusalResponse({ refused: 'files_unavailable', detail });
    }
    const id = uuidV7();
    let late: ReturnType<typeof setTimeout> | null = null;
    const headOnly = request.op === 'read' && request.head_only;
    const transfer = new Transfer({ body, headOnly }, () => {
      clearTimeout(late);
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
        late = setTimeout(() => {
          if (!open.claimed) transfer.fail(detail);
        }, DIAL_MS);
      }
      return await transfer.answer;
    } catch (error) {
      transfer.fail('The runner could not be told.');
      throw error;
    }
  }

  /** A runner dials for a transfer: once, and only the one that was told to. */
  async dial(id: string, runner: string): Promise<Response> {
    const open = this.#open.get(id);
    // The runner can be quicker than the pool's own answer.
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

  /** The runner says that it does not come. */
  refused(id: string, refusal: FilesRefusal): void {
    const open = this.#open.get(id);
    const { code: refused, detail } = refusal;
    if (open?.claimed === false) open.transfer.refuse({ refused, detail });
  }

  /** Breaks all of them off: the session is gone. */
  end(): void {
    for (const { transfer } of this.#open.values()) transfer.fail('The session was deleted.');
  }
}

const notFound = () => new Response(null, { status: 404 });
