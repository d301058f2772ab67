import type { StreamOpener } from '../streams/streams.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import type { Terminals } from './terminals.ts';

/** The terminals of a container. What makes them is loaded with the first one: most sessions have none, and start sooner without. */
export class LazyTerminals {
  readonly #launch: WrapperLaunch;
  readonly #say: (notice: WrapperNotice) => void;
  #terminals: Terminals | null = null;
  #isClosed = false;

  /** @param say tells the session; not any more once they are closed */
  constructor(launch: WrapperLaunch, say: (notice: WrapperNotice) => void) {
    this.#launch = launch;
    this.#say = say;
  }

  /** How many run. */
  get running(): number {
    return this.#terminals?.running ?? 0;
  }

  readonly open: StreamOpener = async (target) => {
    const { Terminals } = await import('./terminals.ts');
    if (this.#isClosed) return { refused: { code: 'terminal_unavailable', detail: 'The container is being ended.' } };
    this.#terminals ??= new Terminals(this.#launch, (notice) => {
      if (!this.#isClosed) this.#say(notice);
    });
    const opened = this.#terminals.open(target);
    if ('refused' in opened) return opened;
    // Whoever is cut off on the way comes back.
    return { accept: (connection) => opened.accept(connection), cancel: () => {} };
  };

  /** Ends all of them, as terminals that are closed do. The session ends too, and knows. */
  close(): void {
    this.#isClosed = true;
    this.#terminals?.close();
  }

  /** Ends all of them at once. */
  kill(): void {
    this.#terminals?.kill();
  }
}
