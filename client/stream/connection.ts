import { CcDockerError } from '../error.ts';
import type { PreviewEvent, SessionEvent } from '../event.ts';
import type { Http } from '../http/http.ts';

/** What comes on a connection, in order. */
export type Item = SessionEvent | PreviewEvent;

/** One connection to a stream. */
export interface Connection<T = Item> {
  /**
   * What comes next; null: the connection has ended.
   *
   * @throws CcDockerError when it broke, or is refused
   */
  next(): Promise<readonly T[] | null>;
  /** All up to this cursor is read. */
  acknowledge(cursor: number): void;
  close(): void;
}

/** Opens a connection that gives what comes after a cursor. */
export type Connect<T = Item> = (after: number, signal: AbortSignal) => Promise<Connection<T>>;

/** The stream to open. */
export interface StreamSource {
  readonly http: Http;
  readonly sessionId: string;
  /** Events only, or previews between them. */
  readonly previews: boolean;
  /** A connection on which nothing has come for this long is given up, milliseconds. The service sends something at least every 45 s. */
  readonly silenceMs: number;
}

/** A connection that is not open after this long, and a call that it needs and that is not answered, are given up, milliseconds. */
const OPENING_MS = 20_000;
export const openingMs = ({ silenceMs }: Pick<StreamSource, 'silenceMs'>) => Math.min(silenceMs, OPENING_MS);

export const nothingFor = (ms: number) => broken(`Nothing came for ${ms / 1000} s.`);

/** A call that a connection needs. A network that swallows what is sent would hold it for ever. */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(ms);
  try {
    return await call(AbortSignal.any([signal, late]));
  } catch (error) {
    throw late.aborted && !signal.aborted ? nothingFor(ms) : error;
  }
}

/** It broke, for this reason: come back with the cursor. */
export function broken(detail: string, cause?: unknown): CcDockerError {
  return new CcDockerError({ code: 'unreachable', detail, retryable: true, cause });
}

/** JSON that came on a stream; undefined: it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever asks says so.
    return undefined;
  }
}
export const notJson = () => broken('What came on the stream is not JSON.');

/** The path of a session's calls. */
export const sessionPath = (sessionId: string) => `/api/v1/sessions/${encodeURIComponent(sessionId)}`;
