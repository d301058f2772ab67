import type { OnReadOpts, Socket } from 'node:net';
import { ReadBuffer } from './read-buffer.ts';

/** Time that a half-closed side has for its last bytes, milliseconds. */
const FLUSH_MS = 30_000;

/** Passes a target's bytes to a client through one buffer. A slow client pauses the reading. */
export class Downstream {
  #client: Socket | undefined;
  #target: Socket | undefined;
  /** Read before `start` was called. */
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

  /** @returns true: the buffer is free; false: reading resumes once it is */
  #write(client: Socket, bytes: Buffer): boolean {
    if (client.destroyed) return true;
    let waits = false;
    client.write(bytes, () => {
      if (waits) this.#target?.resume();
    });
    // If the kernel took everything at once, nothing holds the buffer any more.
    waits = client.writableLength > 0;
    return !waits;
  }
}

/**
 * Pipes both ways, each no faster than the other side reads. The end of one direction is passed on by itself, so that
 * half-closed protocols work. An error on one side breaks the other. The caller sets the idle timeout on `client`, which
 * sees every byte.
 *
 * @param target connected with `downstream.onread`
 */
export function tunnel(client: Socket, target: Socket, downstream: Downstream): void {
  client.pipe(target);
  target.once('end', () => client.end());
  downstream.start(client, target);
  client.once('close', (broken: boolean) => {
    // If both directions had ended, the last bytes may still arrive. Otherwise the code that dialled `target` resets it.
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
