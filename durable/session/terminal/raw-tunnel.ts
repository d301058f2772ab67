import type { TerminalOpen } from '../../../protocol/link/terminal/terminal.ts';

/** Bytes to and from the container. */
export interface RawStream {
  /** @returns when all is on its way; false: the stream is over */
  write(bytes: Uint8Array): Promise<boolean>;
  /** Bytes that `write` holds, because the container has not taken what came before. */
  readonly waiting: number;
  /** Breaks it off. */
  reset(): void;
}

/** Takes what such a stream brings. */
interface RawListener {
  /** @param taken to be called when the bytes are out of memory */
  bytes(bytes: Uint8Array, taken: () => void): void;
  end(): void;
  broken(detail: string): void;
}

/** The way into the container, as terminals need it. */
export interface RawTunnel {
  raw(
    target: TerminalOpen & { readonly kind: 'terminal' },
    listener: RawListener,
  ): Promise<RawStream | { readonly refused: string; readonly detail: string }>;
}
