import { createServer, type Socket } from 'node:net';
import { MAX_FRAME_BYTES } from '../../protocol/settings/limits.ts';
import { wrapperFrame, type WrapperFrame } from '../../protocol/link/wrapper-notice.ts';
import { LineSplitter } from './line-splitter.ts';
import type { Log } from '../lib/log.ts';
import { listenOnUnixSocket } from '../lib/unix-socket.ts';

export interface LinkHandlers {
  /** A frame, parsed and checked, and its text. */
  frame(frame: WrapperFrame, text: string): void;
  /** The wrapper's connection has ended, and all that it sent has been passed on. */
  gone(): void;
  /** The wrapper has read all that was waiting for it. */
  drained(): void;
}

/** The session's unix socket. One wrapper is connected at a time: a new connection replaces the old one. */
export interface LinkServer {
  readonly connected: boolean;
  /** Bytes that the wrapper has not read yet. */
  readonly waiting: number;
  send(text: string): void;
  pause(): void;
  resume(): void;
  /** Ends the wrapper's connection. The wrapper may connect again. */
  drop(why: string): void;
  /** Accepts no new connection. Resolves when the present one has ended by itself, and the socket file is removed. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** @throws when the socket cannot be opened */
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
        // An earlier frame of this chunk may have ended the connection.
        if (wrapper !== socket) return;
        const frame = parseFrame(line);
        if (frame === undefined) return drop(socket, 'a frame is not of the protocol');
        handlers.frame(frame, line);
      }
    });
    socket.on('drain', () => handlers.drained());
    // A reset, for example because the container was killed. `close` follows.
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
 * Node destroys a socket when a write fails, and loses the bytes that were not read yet. When an acknowledgement is written
 * to a wrapper that was just killed, its last frames are still to be read. So a failed write counts as done here, and
 * reading finds the end of the connection.
 */
function readPastFailedWrites(socket: Socket): void {
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  socket._write = (chunk, encoding, done) => write(chunk, encoding, () => done());
  if (writev !== undefined) socket._writev = (chunks, done) => writev(chunks, () => done());
}

/** Nothing that a container sends is trusted. */
function parseFrame(line: string): WrapperFrame | undefined {
  try {
    return wrapperFrame.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
