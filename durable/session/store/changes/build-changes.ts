import type { Reason } from '../../../../protocol/reason.ts';
import type { RunnerNotice } from '../../../../protocol/link/runner-notice.ts';
import type { BuildUpdate } from '../../../shared/environments/build-update.ts';
import type { Preview } from '../../core/shown.ts';
import type { SessionTables } from '../session-tables.ts';
import type { Change } from './change.ts';

export type BuildNotice = Extract<RunnerNotice, { host_notice: `build_${string}` }>;

/** Reports that wait for the owner's directory, at most. Beyond that, output is left out of the log that is kept there. */
const MAX_REPORTS = 500;

interface Target extends Change {
  /** What viewers see, in order. */
  readonly stream: { push: (preview: Preview) => unknown };
}

/** What the runner says of the build that the session's container waits for. */
export class BuildChanges {
  readonly #tx: Target;
  readonly #updates: SessionTables['buildUpdates'];
  readonly #now: number;

  constructor(tx: Target, { buildUpdates }: Pick<SessionTables, 'buildUpdates'>, now: number) {
    this.#tx = tx;
    this.#updates = buildUpdates;
    this.#now = now;
  }

  noticed(notice: BuildNotice): void {
    const { build_id, environment, revision } = notice;
    switch (notice.host_notice) {
      case 'build_started': {
        this.#open(build_id);
        const runner = this.#tx.record.files.launch?.runner ?? null;
        const started = Date.parse(notice.started_at);
        this.#report({ is: 'started', build_id, environment, revision, started, runner });
        return this.#emit(notice, { state: 'building' });
      }
      case 'build_output': {
        const { at, text } = notice;
        this.#tx.stream.push({
          time: this.#now,
          type: 'environment.output',
          preview: JSON.stringify({ build_id, at, text }),
        });
        if (this.#updates.size < MAX_REPORTS) this.#report({ is: 'output', build_id, at, text });
        return;
      }
      case 'build_ready': {
        const { cached, ms, bytes } = notice;
        this.#open(null);
        if (!cached) this.#report({ is: 'ready', build_id, finished: this.#now, bytes });
        return this.#emit(notice, { state: 'ready', cached, ms });
      }
      case 'build_failed': {
        const { ms, reason, line, output } = notice;
        this.#open(null);
        this.#report({ is: 'failed', build_id, finished: this.#now, reason, line });
        return this.#emit(notice, { state: 'failed', ms, reason, line, output });
      }
    }
  }

  /** The container is not waited for any more, for this reason. */
  containerEnded(reason: Reason): void {
    const { build } = this.#tx.record;
    if (build === undefined) return;
    this.#open(null);
    this.#report({ is: 'left', build_id: build.build_id, finished: this.#now, reason });
  }

  #open(build_id: string | null): void {
    const { build: _, ...record } = this.#tx.record;
    this.#tx.record = build_id === null ? record : { ...record, build: { build_id } };
  }

  #report(update: BuildUpdate): void {
    this.#updates.add(update);
  }

  #emit(
    { build_id, environment, revision }: BuildNotice,
    what: {
      readonly state: 'building' | 'ready' | 'failed';
      readonly cached?: boolean;
      readonly ms?: number;
      readonly reason?: Reason;
      readonly line?: number | null;
      readonly output?: string;
    },
  ): void {
    const { epoch } = this.#tx.record.link;
    this.#tx.emit({ type: 'environment.build', data: { epoch, build_id, environment, revision, ...what } });
  }
}
