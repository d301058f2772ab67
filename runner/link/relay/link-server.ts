import { createServer, type Socket } from 'node:net';
import { MAX_FRAME_BYTES } from '../../../protocol/settings/limits.ts';
import { frameReader, type Received } from '../../../protocol/link/tolerant-reader.ts';
import { isPreviewFrame } from '../../../protocol/link/wrapper/preview-frame.ts';
import { wrapperFrame, type WrapperFrame } from '../../../protocol/link/wrapper/wrapper-notice.ts';
import { LineSplitter } from './line-splitter.ts';
import { Pace } from './pace.ts';
import type { Log } from '../../lib/log.ts';
import { readToTheEnd } from '../../lib/streams/read-to-the-end.ts';
import { listenOnUnixSocket } from '../../lib/streams/unix-socket.ts';

export interface LinkHandlers {
  /** A frame, parsed and checked, and its text. */
  frame(frame: WrapperFrame, text: string): void;
  /** The wrapper's connection has ended, and all that it sent has been passed on. */
  gone(): void;
  /** The wrapper has read all that was waiting for it. */
  drained(): void;
  /** A wrapper is connected now. */
  connected(): void;
  /** The wrapper has sent something, be it a part of a frame. */
  heard(): void;
  /** Another connection waits to take the wrapper's place. Nothing of it is read while the wrapper's own stands. */
  rival(): void;
}

/**
 * The session's unix socket. One wrapper is connected at a time. The agent can open it too: a second connection waits, until
 * the first one ends or has shown that it lives.
 */
export interface LinkServer {
  readonly connected: boolean;
  /** What the wrapper sends is read at the moment. */
  readonly reading: boolean;
  /** Bytes that the wrapper has not read yet. */
  readonly waiting: number;
  send(text: string): void;
  pause(): void;
  resume(): void;
  /** Ends the wrapper's connection. The wrapper may connect again. */
  drop(why: string): void;
  /** The wrapper lives: ends the connection that waits for its place. */
  refuseRival(): void;
  /** Accepts no new connection. Resolves when the present one has ended by itself, and the socket file is removed. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** @throws when the socket cannot be opened */
export async function openLinkServer(path: string, handlers: LinkHandlers, log: Log): Promise<LinkServer> {
  let wrapper: Socket | undefined;
  let rival: Socket | undefined;
  let paused = false;
  let finished: (() => void) | undefined;
  const pace = new Pace(performance.now());
  let slowed: NodeJS.Timeout | undefined;
  let unknown = 0;

  // While a rival waits, the wrapper is read in any case: the end of its connection, or that it lives, comes last.
  const isRead = (): boolean => slowed === undefined && (!paused || rival !== undefined);
  const regulate = (): void => {
    if (isRead()) wrapper?.resume();
    else wrapper?.pause();
  };
  /** Whoever sends more than the runner can take from one container is read later. */
  const slowDown = (): void => {
    const wait = pace.wait(performance.now());
    if (wait === 0 || slowed !== undefined) return;
    slowed = setTimeout(() => {
      slowed = undefined;
      regulate();
    }, wait);
    regulate();
  };

  const lose = (socket: Socket): void => {
    if (wrapper !== socket) return;
    wrapper = undefined;
    handlers.gone();
    const next = rival;
    rival = undefined;
    if (next !== undefined) take(next);
    else finished?.();
  };
  const drop = (socket: Socket, why: string): void => {
    log.warn('wrapper connection dropped', { why });
    socket.destroy();
    lose(socket);
  };
  const take = (socket: Socket): void => {
    const splitter = new LineSplitter(MAX_FRAME_BYTES);
    wrapper = socket;
    readToTheEnd(socket);
    socket.on('data', (chunk) => {
      handlers.heard();
      const lines = splitter.push(chunk);
      if (lines === undefined) return drop(socket, 'a frame is too long');
      for (const line of lines) {
        // An earlier frame of this chunk may have ended the connection.
        if (wrapper !== socket) return;
        const now = performance.now();
        pace.frame(line.length, now);
        const received = parseFrame(line);
        if (received.is === 'invalid' || (received.is === 'unknown' && received.kind === RUNNERS_OWN)) {
          return drop(socket, 'a frame is not of the protocol');
        }
        if (received.is === 'unknown') {
          // `pace` bounds how many there are.
          if (unknown++ === 0)
            log.warn('the wrapper is newer than this runner: what it does not know is passed over', {});
          continue;
        }
        const { frame } = received;
        if (frame.kind !== 'preview' || pace.preview(line.length, now)) handlers.frame(frame, line);
      }
      slowDown();
    });
    socket.on('drain', () => handlers.drained());
    regulate();
    handlers.connected();
  };
  const server = createServer((socket) => {
    // A reset, for example because the container was killed. `close` follows.
    socket.on('error', (error) => log.debug('wrapper connection failed', { error }));
    socket.on('close', () => {
      if (rival === socket) rival = undefined;
      lose(socket);
    });
    if (wrapper === undefined) return take(socket);
    // One may wait. The others have come later than that one.
    if (rival !== undefined) return void socket.destroy();
    rival = socket;
    regulate();
    handlers.rival();
  });
  const stopListening = await listenOnUnixSocket(server, path);
  let closing: Promise<void> | undefined;

  return {
    get connected() {
      return wrapper !== undefined;
    },
    get reading() {
      return isRead();
    },
    get waiting() {
      return wrapper?.writableLength ?? 0;
    },
    send: (text) => void wrapper?.write(`${text}\n`),
    pause: () => {
      paused = true;
      regulate();
    },
    resume: () => {
      paused = false;
      regulate();
    },
    refuseRival: () => {
      if (rival === undefined) return;
      log.warn('a second connection to the wrapper’s socket is refused, because the first one answers');
      rival.destroy();
      rival = undefined;
      regulate();
    },
    drop: (why) => {
      if (wrapper !== undefined) drop(wrapper, why);
    },
    finish: async () => {
      closing ??= stopListening();
      // The container has ended. What waited for its wrapper's place was never one.
      rival?.destroy();
      rival = undefined;
      regulate();
      if (wrapper !== undefined) await new Promise<void>((resolve) => (finished = resolve));
      await closing;
    },
    close: async () => {
      closing ??= stopListening();
      clearTimeout(slowed);
      rival?.destroy();
      wrapper?.destroy();
      await closing;
    },
  };
}

/** The kind of the frames that only the runner itself may send: a container that does is not a newer one. */
const RUNNERS_OWN = 'host';

const readWrapperFrame = frameReader(wrapperFrame);

/** Nothing that a container sends is trusted. */
function parseFrame(line: string): Received<WrapperFrame> {
  try {
    const json: unknown = JSON.parse(line);
    return isPreviewFrame(json) ? { is: 'frame', frame: json, unknown: 0 } : readWrapperFrame(json);
  } catch {
    return { is: 'invalid' };
  }
}
