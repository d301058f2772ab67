import type { Log } from '../../../lib/log.ts';
import type { LocalFiles } from '../../../session-files/local-files.ts';

interface AfterCloneOptions {
  /** The session's; undefined: they are not here yet. */
  files: () => LocalFiles | undefined;
  /** The wrapper may continue. */
  go: () => void;
  log: Log;
}

/** Saves what was cloned as the files that the agent began with. Then the wrapper may continue. */
export class AfterClone {
  readonly #options: AfterCloneOptions;
  #isTold = false;

  constructor(options: AfterCloneOptions) {
    this.#options = options;
  }

  /** The container has said that the clone is done. It may say so again. */
  take(how: 'cloned' | 'kept'): void {
    const { files, go, log } = this.#options;
    if (this.#isTold) return;
    this.#isTold = true;
    const clone = files()?.clone;
    (how === 'cloned' ? clone?.cloned() : clone?.notCloned())?.then(go, (error: unknown) =>
      log.error('the session waits after its clone', { error }),
    );
  }
}
