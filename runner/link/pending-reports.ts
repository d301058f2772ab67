import type { PlacementKey, RunnerFrame, SnapshotReport } from '../../protocol/link/runner-control.ts';
import type { Reason } from '../../protocol/reason.ts';
import { placementName } from '../lib/placement-name.ts';

type Ended = Extract<RunnerFrame, { kind: 'ended' }>;
type Snapshot = Extract<RunnerFrame, { kind: 'snapshot' }>;

/** What the pool has to know: launches that have ended, and what became of snapshots. Each is kept until it is acknowledged. */
export class PendingReports {
  readonly #ended = new Map<string, Ended>();
  readonly #snapshots = new Map<string, Snapshot>();
  #allAcked: (() => void)[] = [];

  /** @returns the frame to send */
  addEnded({ session_id, epoch }: PlacementKey, reason: Reason): Ended {
    const frame: Ended = { kind: 'ended', session_id, epoch, reason };
    this.#ended.set(placementName(frame), frame);
    return frame;
  }

  /** @returns the frame to send */
  addSnapshot(session_id: string, report: SnapshotReport): Snapshot {
    const frame: Snapshot = { kind: 'snapshot', session_id, report };
    this.#snapshots.set(report.snapshot_id, frame);
    return frame;
  }

  /** The report of this launch's end; undefined: there is none, or it was acknowledged. */
  endedOf(key: PlacementKey): Ended | undefined {
    return this.#ended.get(placementName(key));
  }

  /** All, the oldest of a kind first. */
  get frames(): readonly (Ended | Snapshot)[] {
    return [...this.#ended.values(), ...this.#snapshots.values()];
  }

  /** The launches whose end the pool may not know. */
  get launches(): readonly PlacementKey[] {
    return [...this.#ended.values()].map(({ session_id, epoch }) => ({ session_id, epoch }));
  }

  /** @returns whether it was not acknowledged before */
  ackEnded(key: PlacementKey): boolean {
    const isNew = this.#ended.delete(placementName(key));
    this.#resolveIfAllAcked();
    return isNew;
  }

  /** @returns the snapshot's session; undefined: it was acknowledged before, or is forgotten */
  ackSnapshot(snapshotId: string): string | undefined {
    const frame = this.#snapshots.get(snapshotId);
    this.#snapshots.delete(snapshotId);
    this.#resolveIfAllAcked();
    return frame?.session_id;
  }

  /** The session is deleted: nobody needs the reports of its snapshots. */
  forgetSnapshots(sessionId: string): void {
    for (const [id, { session_id }] of this.#snapshots) if (session_id === sessionId) this.#snapshots.delete(id);
    this.#resolveIfAllAcked();
  }

  /** Resolves when nothing waits to be acknowledged. */
  async allAcked(): Promise<void> {
    if (!this.#isEmpty()) await new Promise<void>((resolve) => this.#allAcked.push(resolve));
  }

  #isEmpty(): boolean {
    return this.#ended.size + this.#snapshots.size === 0;
  }

  #resolveIfAllAcked(): void {
    if (!this.#isEmpty()) return;
    for (const resolve of this.#allAcked.splice(0)) resolve();
  }
}
