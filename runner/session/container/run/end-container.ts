import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../../../lib/log.ts';

interface EndOptions {
  isRunning: () => boolean;
  /** Asks the engine, which may be away. */
  stop: () => Promise<void>;
  log: Log;
}

/** Ends a container. Repeats the request until the engine answers. */
export async function endContainer({ isRunning, stop, log }: EndOptions): Promise<void> {
  while (isRunning()) {
    try {
      return await stop();
    } catch (error) {
      log.warn('container not stopped yet', { error });
      await pause(1_000, undefined, { ref: false });
    }
  }
}
