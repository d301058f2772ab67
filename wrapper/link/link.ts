import { createConnection, type Socket } from 'node:net';
import { MAX_FRAME_BYTES } from '../../protocol/settings/limits.ts';
import type { SessionFrame } from '../../protocol/link/wrapper/wrapper-link.ts';
import type { WrapperFrame } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { backoff } from '../lib/backoff.ts';
import { LineSplitter, type SplitLine } from '../lib/line-splitter.ts';
import { readSessionFrame } from '../shapes/read-frame.ts';

/** The link's owner: it supplies the frames to send and receives the frames that come. */
export interface LinkListener {
  /** The first frame of a connection. */
  hello(): WrapperFrame;
  /** The next frame to send, or null when there is none. */
  take(): WrapperFrame | null;
  /** The frame that was taken is on its way: as text of this length, UTF-16 units. */
  sent(frame: WrapperFrame, length: number): void;
  /** A frame came. Not null: why the frame cannot be right; the link then drops the connection and dials again. */
  receive(frame: SessionFrame): string | null;
  /** The connection is gone. */
  broken(): void;
}

/** Errors of a socket that nobody serves, yet or for a while. */
const ORDINARY = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

/** Dials a unix socket, again after each break, and carries frames over it: one line of JSON each. */
export class Link {
  readonly #path: string;
  readonly #listener: LinkListener;
  #socket: Socket | null = null;
  #congested = false;
  #flushing = false;
  #failures = 0;
  #redial: NodeJS.Timeout | undefined;
  #closed = false;
  #reported = '';
  #unknown = 0;

  constructor(path: string, listener: LinkListener) {
    this.#path = path;
    this.#listener = listener;
  }

  /** Dials, and goes on doing so until `close`. */
  open(): void {
    this.#dial();
  }

  /**
   * Something waits to be sent. It is sent at the end of this turn of the event loop, together with whatever else waits by
   * then. While the socket's buffer is full, it waits for the `drain`.
   */
  flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#send();
    });
  }

  /** Closes the connection for good. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#redial);
    this.#socket?.destroy();
  }

  #dial(): void {
    const socket = createConnection(this.#path);
    const lines = new LineSplitter(MAX_FRAME_BYTES);
    socket.once('connect', () => {
      this.#socket = socket;
      this.#congested = !socket.write(encode(this.#listener.hello()));
      this.flush();
    });
    socket.on('drain', () => {
      this.#congested = false;
      this.#send();
    });
    socket.on('data', (chunk: Buffer) => {
      for (const line of lines.push(chunk)) {
        const problem = this.#receive(line);
        if (problem === null) continue;
        console.error(`cc-docker wrapper: link dropped: ${problem}`);
        socket.destroy();
        break;
      }
    });
    socket.on('error', (error) => {
      // `close` follows, and dials again.
      this.#report(error);
    });
    socket.once('close', () => {
      if (this.#socket === socket) {
        this.#socket = null;
        this.#listener.broken();
      }
      if (this.#closed) return;
      this.#redial = setTimeout(
        () => {
          this.#dial();
        },
        backoff(this.#failures, Math.random()),
      );
      this.#failures += 1;
    });
  }

  /** Logs an error once for as long as it lasts, unless it is an ordinary one. */
  #report(error: Error): void {
    const ordinary = 'code' in error && ORDINARY.has(String(error.code));
    if (ordinary || error.message === this.#reported) return;
    this.#reported = error.message;
    console.error(`cc-docker wrapper: link: ${error.message}`);
  }

  #receive(line: SplitLine): string | null {
    if (line.kind === 'oversized') return `a frame of ${line.size} bytes`;
    const frame = decode(line.bytes);
    if (frame === null) return `not a frame: ${line.bytes.toString('utf8', 0, 200)}`;
    // The runner is newer. Its first such frame is in the container's log.
    if (frame === 'unknown') {
      if (this.#unknown++ === 0)
        console.error(`cc-docker wrapper: passed over: ${line.bytes.toString('utf8', 0, 200)}`);
      return null;
    }
    const problem = this.#listener.receive(frame);
    // Only a good frame resets the backoff: a peer that accepts and drops at once must not be dialled in a tight loop.
    if (problem === null) this.#failures = 0;
    return problem;
  }

  #send(): void {
    const socket = this.#socket;
    if (socket === null || socket.destroyed) return;
    socket.cork();
    while (!this.#congested) {
      const frame = this.#listener.take();
      if (frame === null) break;
      const text = encode(frame);
      this.#listener.sent(frame, text.length);
      this.#congested = !socket.write(text);
    }
    socket.uncork();
  }
}

function encode(frame: WrapperFrame): string {
  return `${JSON.stringify(frame)}\n`;
}

function decode(bytes: Buffer): SessionFrame | 'unknown' | null {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
  return readSessionFrame(value);
}
