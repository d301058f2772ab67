import type { OpenTerminal } from '../state.ts';
import type { SessionInput } from '../life/input.ts';
import type { Draft } from './draft.ts';

/** The terminals that people have in the container. */
export class Terminals {
  readonly #draft: Draft;

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  opened(terminal: OpenTerminal): void {
    const { container, terminals = [] } = this.#draft.state;
    if (container !== 'ready' || terminals.some(({ terminal_id }) => terminal_id === terminal.terminal_id)) return;
    this.#draft.set({ terminals: [...terminals, terminal] });
    this.#draft.do({ do: 'terminal_opened', terminal });
  }

  /** Its command has ended. The container says so, and may say it of none that there is. */
  ended({ terminal_id, code, signal }: Extract<SessionInput, { on: 'terminal_ended' }>): void {
    const { terminals = [] } = this.#draft.state;
    const terminal = terminals.find((open) => open.terminal_id === terminal_id);
    if (terminal === undefined) return;
    this.#draft.set({ terminals: terminals.filter((open) => open !== terminal) });
    this.#draft.do({ do: 'terminal_ended', terminal, ended: { code, signal } });
  }

  /** Somebody types, or nobody has a terminal any more: then idle time begins. */
  attached(attached: boolean): void {
    const { now, state } = this.#draft;
    if (attached) return this.#draft.set({ attached: now });
    if (typeof state.attached !== 'number') return;
    this.#draft.set({ attached: null, ...(state.status === 'idle' && { since: now }) });
  }

  /** The container is gone, or is being ended, and they with it. */
  gone(): void {
    const { terminals = [] } = this.#draft.state;
    if (terminals.length === 0) return;
    this.#draft.set({ terminals: [] });
    for (const terminal of terminals) this.#draft.do({ do: 'terminal_ended', terminal, ended: null });
  }
}
