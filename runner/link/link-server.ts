import { createServer, type Socket } from 'node:net';
import { MAX_FRAME_BYTES } from '../../protocol/settings/limits.ts';
import { wrapperFrame, type WrapperFrame } from '../../protocol/link/wrapper-notice.ts';
import { LineSplitter } from './line-splitter.ts';
import type { Log } from '../lib/log.ts';
import { listenOnUnixSocket } from '../lib/unix-socket.ts';

export interface LinkHandlers {
  /** A frame, checked, and its text. */
  frame(frame: WrapperFrame, text: string): void;
  /** The wrapper's connection is over, and all that it sent has been handed on. */
  gone(): void;
  /** What was waiting to be read by the wrapper has been. */
  drained(): void;
}

/** The session's unix socket: one wrapper at a time; a new connection takes the old one's place. */
export interface LinkServer {
  readonly connected: boolean;
  /** Bytes that the wrapper has not read yet. */
  readonly waiting: number;
  send(text: string): void;
  pause(): void;
  resume(): void;
  /** Ends the wrapper's connection; it may come back. */
  drop(why: string): void;
  /** Takes no new connection; resolves once the one there is has ended by itself, and the socket file is gone. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** @throws when the socket cannot be made */
export async function openLinkServer(path: string, handlers: LinkHandlers, log: Log): Promise<LinkServer> {
  let wrapper: Socket | undefined;
  let paused = false;
  let finished: (() => void) | undefined;

  const lose = (socket: Socket): void => {
    if (wrapper !== socket) return;
    wrapper = undefined;
    handlers.gone();
    finished?.();
  };
  const drop = (socket: Socket, why: string): void => {
    log.warn('wrapper connection dropped', { why });
    socket.destroy();
    lose(socket);
  };
  const server = createServer((socket) => {
    const splitter = new LineSplitter(MAX_FRAME_BYTES);
    if (wrapper !== undefined) drop(wrapper, 'replaced by a new one');
    wrapper = socket;
    readPastFailedWrites(socket);
    if (paused) socket.pause();
    socket.on('data', (chunk) => {
      const lines = splitter.push(chunk);
      if (lines === undefined) return drop(socket, 'a frame is too long');
      for (const line of lines) {
        // A frame before it may have been answered by a drop.
        if (wrapper !== socket) return;
        const frame = parseFrame(line);
        if (frame === undefined) return drop(socket, 'a frame is not of the protocol');
        handlers.frame(frame, line);
      }
    });
    socket.on('drain', () => handlers.drained());
    // A reset, as when the container is killed: `close` follows.
    socket.on('error', (error) => log.debug('wrapper connection failed', { error }));
    socket.on('close', () => lose(socket));
  });
  const stopListening = await listenOnUnixSocket(server, path);
  let closing: Promise<void> | undefined;

  return {
    get connected() {
      return wrapper !== undefined;
    },
    get waiting() {
      return wrapper?.writableLength ?? 0;
    },
    send: (text) => void wrapper?.write(`${text}\n`),
    pause: () => {
      paused = true;
      wrapper?.pause();
    },
    resume: () => {
      paused = false;
      wrapper?.resume();
    },
    drop: (why) => {
      if (wrapper !== undefined) drop(wrapper, why);
    },
    finish: async () => {
      closing ??= stopListening();
      if (wrapper !== undefined) await new Promise<void>((resolve) => (finished = resolve));
      await closing;
    },
    close: async () => {
      closing ??= stopListening();
      wrapper?.destroy();
      await closing;
    },
  };
}

/**
 * Node destroys a socket whose write fails, unread bytes and all. But when an acknowledgement meets a wrapper that was just
 * killed, the last words of that are still to be read: so a failed write counts as done, and reading finds the end.
 */
function readPastFailedWrites(socket: Socket): void {
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  socket._write = (chunk, encoding, done) => write(chunk, encoding, () => done());
  if (writev !== undefined) socket._writev = (chunks, done) => writev(chunks, () => done());
}

/** Everything a container says is untrusted. */
function parseFrame(line: string): WrapperFrame | undefined {
  try {
    return wrapperFrame.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
