import { DEVCONTAINER } from '../../../../../protocol/api/environment-name.ts';
import type { DevcontainerNotice } from '../../../../../protocol/link/environment/environment.ts';
import type { FilesInput } from '../../../core/files.ts';
import type { SessionTables } from '../../session-tables.ts';
import type { Change } from '../change.ts';
import type { PortChanges } from '../port-changes.ts';
import { cloneEvent, type CloneNotice, commandEvent, type CommandNotice, isLastClone } from './clone-events.ts';
import { devcontainerEvent, withDevcontainer } from './devcontainer.ts';

interface Target extends Change {
  readonly ports: Pick<PortChanges, 'share'>;
  files(input: FilesInput): void;
}

/** What the workspace gets before `claude` starts: clones, and what the repository's `devcontainer.json` adds. */
export class PreparingChanges {
  readonly #tx: Target;
  readonly #tables: Pick<SessionTables, 'environment'>;

  constructor(tx: Target, tables: Pick<SessionTables, 'environment'>) {
    this.#tx = tx;
    this.#tables = tables;
  }

  clone(epoch: number, notice: CloneNotice): void {
    if (isLastClone(notice)) this.done();
    this.#tx.emit(cloneEvent(epoch, notice));
  }

  command(epoch: number, notice: CommandNotice): void {
    this.#tx.emit(commandEvent(epoch, notice));
    if (notice.notice === 'command') return;
    this.#tx.input({ on: 'claude_ended', reason: { code: 'environment_failed', detail: notice.detail } });
  }

  /** Whatever became of the clones, and of the commands, none follows. */
  done(): void {
    // Only once: a container must not gain time by repeating it.
    if (!this.#tx.record.files.cloned) this.#tx.input({ on: 'cloned' });
    this.#tx.files({ on: 'cloned' });
  }

  /** The repository says what its environment is. That is read once: later launches get what it said. */
  described(epoch: number, notice: DevcontainerNotice): void {
    const known = this.#tables.environment.get();
    if (known?.of.name !== DEVCONTAINER || known.build.devcontainer !== undefined) return;
    this.#tables.environment.change(withDevcontainer(known, notice));
    this.#tx.emit(devcontainerEvent(epoch, notice));
    // More than may be shared are in the event alone.
    for (const port of notice.ports) this.#tx.ports.share({ ...port, by: 'environment' });
  }
}
