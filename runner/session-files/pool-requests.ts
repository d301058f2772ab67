import type { PoolFrame } from '../../protocol/link/runner-control.ts';
import type { WriteLimits } from '../files/paths/allowance.ts';
import type { FilesRegistry } from './registry.ts';
import { blankReport } from './state.ts';
import type { ControlConnection } from '../link/control-connection.ts';
import { messageOf, type Log } from '../lib/log.ts';
import { readPlacement } from '../lib/session-folders.ts';
import type { LiveFiles } from '../files/live-files.ts';
import type { Snapshots } from '../snapshot/snapshots.ts';
import { serveArtifact, serveTransfer, type TransferOptions } from './transfers/serve-transfer.ts';

type Frame<K extends PoolFrame['kind']> = Extract<PoolFrame, { kind: K }>;

export interface PoolRequestsOptions extends Pick<TransferOptions, 'edgeUrl' | 'agents' | 'owner'> {
  /** A token of the runner's own, for one connection. */
  token: () => Promise<string>;
  registry: FilesRegistry;
  snapshots: Pick<Snapshots, 'entries' | 'content' | 'share' | 'artifact' | 'drop'>;
  /** The files of a session that runs on another machine; undefined: it does not. */
  live: (sessionId: string) => LiveFiles | undefined;
  /** The default limits of a workspace; null: there are none. */
  limits: WriteLimits | null;
  /** The storage's id; empty while it is not known. */
  storage: () => string;
  control: Pick<ControlConnection, 'send' | 'reportSnapshot'>;
  log: Log;
}

/** Carries out the pool's requests for sessions' files. No method rejects. */
export class PoolRequests {
  readonly #options: PoolRequestsOptions;

  constructor(options: PoolRequestsOptions) {
    this.#options = options;
  }

  async snapshot({ session_id, snapshot_id, trigger, files }: Frame<'snapshot'>): Promise<void> {
    const { registry, storage, control, log } = this.#options;
    let detail: string;
    try {
      const local = await registry.of(session_id);
      const prepared = await local.prepare(files, false);
      if (prepared.ok) return await local.requestSnapshot(snapshot_id, trigger);
      ({ detail } = prepared.reason);
    } catch (error) {
      log.error('snapshot not taken', { session: session_id, snapshot: snapshot_id, error });
      detail = `The runner cannot get at the files: ${messageOf(error)}`.slice(0, 8192);
    }
    const created_at = new Date().toISOString();
    const failed = { snapshot_id, trigger, created_at, ordered: true, copied: false, told: false };
    control.reportSnapshot(session_id, { ...blankReport(failed, files.version, storage()), detail });
  }

  async transfer(transfer: Frame<'transfer'>): Promise<void> {
    const { registry, snapshots, edgeUrl, agents, owner, limits, storage, control, log } = this.#options;
    const { session_id, transfer_id, request } = transfer;
    const transferLog = log.with({ session: session_id, transfer: transfer_id });
    try {
      const token = await this.#options.token();
      if (request.op === 'artifact')
        return await serveArtifact({ transfer, snapshots, edgeUrl, agents, token, log: transferLog }, request);
      const files = await registry.of(session_id);
      const { resources, workspace_of } = (await readPlacement(files.folders)) ?? {};
      const own = limits && {
        mb: resources?.workspace_mb ?? limits.mb,
        files: resources?.workspace_files ?? limits.files,
        measure: limits.measure,
      };
      const refusal = await serveTransfer({
        transfer,
        files,
        // An agent shares files from the workspace in which it works.
        workspace: (workspace_of === undefined ? files : await registry.of(workspace_of)).folders.workspace,
        snapshots,
        live: this.#options.live(session_id),
        edgeUrl,
        agents,
        token,
        owner,
        limits: own,
        storage,
        log: transferLog,
      });
      if (refusal !== undefined) control.send({ kind: 'transfer_refused', session_id, transfer_id, refusal });
    } catch (error) {
      log.error('transfer failed', { session: session_id, transfer: transfer_id, error });
      const detail = `The runner could not serve this: ${messageOf(error)}`.slice(0, 8192);
      const refusal = { code: 'files_unavailable' as const, detail };
      control.send({ kind: 'transfer_refused', session_id, transfer_id, refusal });
    }
  }

  async drop({ owner, trees }: Frame<'drop'>): Promise<void> {
    const { registry, snapshots, log } = this.#options;
    try {
      await registry.dropped(trees);
      await snapshots.drop(owner, trees);
    } catch (error) {
      // A later sweep finds them again.
      log.warn('snapshots not dropped', { owner, error });
    }
  }

  async acknowledged(sessionId: string, snapshotId: string): Promise<void> {
    const { registry, log } = this.#options;
    try {
      await registry.acknowledged(sessionId, snapshotId);
    } catch (error) {
      // The report is sent again after a restart, and acknowledged again.
      log.warn('acknowledgement not recorded', { session: sessionId, snapshot: snapshotId, error });
    }
  }
}
