import { CloseCode } from '../../protocol/close-code.ts';
import { countViewers } from '../rpc/telemetry/counts.ts';
import type { SessionAssembly } from './assembly.ts';

/** Deletes the session: those below it, what other objects know of it, and then all that it stored. */
export class Deletion {
  readonly #ctx: DurableObjectState;
  readonly #assembly: SessionAssembly;
  #running: Promise<{ deleted: true }> | null = null;

  constructor(ctx: DurableObjectState, assembly: SessionAssembly) {
    this.#ctx = ctx;
    this.#assembly = assembly;
  }

  run(sessionId: string): Promise<{ deleted: true }> {
    // Two callers may ask at once, such as its owner and a session above it that is deleted too.
    this.#running ??= this.#delete(sessionId).finally(() => (this.#running = null));
    return this.#running;
  }

  async #delete(sessionId: string): Promise<{ deleted: true }> {
    const { store, children, shared, discord, builds, peers, streams, transfers, messages, tunnel, terminals } =
      this.#assembly;
    store.change((tx) => {
      tx.record = { ...tx.record, deleting: true };
    });
    await children.deleteBelow();
    await children.detach();
    await shared.detach();
    await discord.detach();
    await builds.detach();
    await peers.pool.forgetSession(sessionId);
    await peers.directory.remove(sessionId);
    // A stream that went on would read tables that are gone.
    streams.end();
    this.#assembly.readyView.changed(store.current.identity);
    await store.erase();
    for (const socket of this.#ctx.getWebSockets()) socket.close(CloseCode.notFound, 'the session was deleted');
    countViewers(sessionId, { websocket: 0, sse: 0 });
    transfers.end();
    terminals.close();
    tunnel.close();
    messages.end();
    this.#assembly.wakeFileCalls();
    return { deleted: true };
  }
}
