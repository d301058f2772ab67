import type { OnReadOpts, Socket } from 'node:net';
import { ReadBuffer } from './read-buffer.ts';

/** What a half-closed side may still take for its last bytes, milliseconds. */
const FLUSH_MS = 30_000;
/**
 * A target's bytes on their way to a client, all through one buffer. A client that does not take them holds the reading back.
 */
export class Downstream {
  #client: Socket | undefined;
  #target: Socket | undefined;
  /** Read before there was anybody to give it to. */
  #early: Buffer | undefined;

  /** For `net.connect`. */
  readonly onread: OnReadOpts = new ReadBuffer().onread((bytes) => {
    if (this.#client !== undefined) return this.#write(this.#client, bytes);
    this.#early = bytes;
    return false;
  });

  start(client: Socket, target: Socket): void {
    this.#client = client;
    this.#target = target;
    if (this.#early !== undefined && !this.#write(client, this.#early)) return;
    target.resume();
  }

  /** @returns whether the buffer is free again; otherwise reading goes on when it is */
  #write(client: Socket, bytes: Buffer): boolean {
    if (client.destroyed) return true;
    let waits = false;
    client.write(bytes, () => {
      if (waits) this.#target?.resume();
    });
    // What the kernel took at once is nobody's any more.
    waits = client.writableLength > 0;
    return !waits;
  }
}

/**
 * Pipes both ways, each as fast as the other side takes. One side's end is passed on alone, so that half-closed protocols work;
 * one side's break breaks the other. Idleness is the caller's to time: every byte passes `client`.
 *
 * @param target connected with `downstream.onread`
 */
export function tunnel(client: Socket, target: Socket, downstream: Downstream): void {
  client.pipe(target);
  target.once('end', () => client.end());
  downstream.start(client, target);
  client.once('close', (broken: boolean) => {
    // Closed after both had ended: what is still on its way out may arrive. Otherwise whoever dialled it resets it.
    if (!broken && target.writableEnded) target.setTimeout(FLUSH_MS, () => target.destroy());
    else target.destroy();
  });
  target.once('close', (broken: boolean) => {
    if (client.destroyed) return;
    if (!broken && client.writableEnded) client.setTimeout(FLUSH_MS);
    else client.destroy();
  });
  if (client.destroyed) target.destroy();
}
