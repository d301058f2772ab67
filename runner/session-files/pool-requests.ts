import type { PoolFrame } from '../../protocol/link/runner-control.ts';
import type { FilesRegistry } from './registry.ts';
import { blankReport } from './state.ts';
import type { ControlConnection } from '../link/control-connection.ts';
import { messageOf, type Log } from '../lib/log.ts';
import { readPlacement } from '../lib/session-folders.ts';

import type { Snapshots } from '../snapshot/snapshots.ts';
import { serveArtifact, serveTransfer, type TransferOptions } from './transfers/serve-transfer.ts';

type Frame<K extends PoolFrame['kind']> = Extract<PoolFrame, { kind: K }>;

export interface FilesOrdersOptions extends Pick<TransferOptions, 'edgeUrl' | 'token' | 'owner'> {
  registry: FilesRegistry;
  snapshots: Pick<Snapshots, 'entries' | 'content' | 'share' | 'artifact' | 'drop'>;
  /** Of a workspace whose session says nothing of it, MB; null: no limit is kept. */
  limitMb: number | null;
  /** The storage's id, as far as it is known by now. */
  storage: () => string;
  control: () => Pick<ControlConnection, 'send' | 'reportSnapshot'> | undefined;
  log: Log;
}

/** What the pool wants of sessions' files, besides their containers. None of it rejects. */
export class FilesOrders {
  readonly #options: FilesOrdersOptions;

  constructor(options: FilesOrdersOptions) {
    this.#options = options;
  }

  async snapshot({ session_id, snapshot_id, trigger, files }: Frame<'snapshot'>): Promise<void> {
    const { registry, storage, control, log } = this.#options;
    let detail: string;
    try {
      const local = await registry.of(session_id);
      const prepared = await local.prepare(files, false);
      if (prepared.ok) return await local.order(snapshot_id, trigger);
      ({ detail } = prepared.reason);
    } catch (error) {
      log.error('snapshot not taken', { session: session_id, snapshot: snapshot_id, error });
      detail = `The runner cannot get at the files: ${messageOf(error)}`.slice(0, 8192);
    }
    const created_at = new Date().toISOString();
    const owed = { snapshot_id, trigger, created_at, ordered: true, copied: false, told: false };
    control()?.reportSnapshot(session_id, { ...blankReport(owed, files.version, storage()), detail });
  }

  async transfer(order: Frame<'transfer'>): Promise<void> {
    const { registry, snapshots, edgeUrl, token, owner, limitMb, storage, control, log } = this.#options;
    const { session_id, transfer_id, request } = order;
    const transferLog = log.with({ session: session_id, transfer: transfer_id });
    try {
      if (request.op === 'artifact')
        return await serveArtifact({ order, snapshots, edgeUrl, token, log: transferLog }, request);
      const files = await registry.of(session_id);
      const { resources, workspace_of: host } = (await readPlacement(files.folders)) ?? {};
      const asked = resources?.workspace_mb ?? limitMb;
      const limit = limitMb === null ? null : asked;
      const refusal = await serveTransfer({
        order,
        files,
        // What an agent shares is where it works.
        workspace: (host === undefined ? files : await registry.of(host)).folders.workspace,
        snapshots,
        edgeUrl,
        token,
        owner,
        limitMb: limit,
        storage,
        log: transferLog,
      });
      if (refusal !== undefined) control()?.send({ kind: 'transfer_refused', session_id, transfer_id, refusal });
    } catch (error) {
      log.error('transfer failed', { session: session_id, transfer: transfer_id, error });
      const detail = `The runner could not serve this: ${messageOf(error)}`.slice(0, 8192);
      const refusal = { code: 'files_unavailable' as const, detail };
      control()?.send({ kind: 'transfer_refused', session_id, transfer_id, refusal });
    }
  }

  async drop({ owner, trees }: Frame<'drop'>): Promise<void> {
    const { registry, snapshots, log } = this.#options;
    try {
      await registry.dropped(trees);
      await snapshots.drop(owner, trees);
    } catch (error) {
      // A sweep finds them again.
      log.warn('snapshots not dropped', { owner, error });
    }
  }

  async acknowledged(sessionId: string, snapshotId: string): Promise<void> {
    const { registry, log } = this.#options;
    try {
      await registry.acknowledged(sessionId, snapshotId);
    } catch (error) {
      // It is said again after a restart, and acknowledged again.
      log.warn('acknowledgement not noted', { session: sessionId, snapshot: snapshotId, error });
    }
  }
}
