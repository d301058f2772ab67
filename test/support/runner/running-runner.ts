import { createDemoModel } from '../../../demo-model/demo-model.ts';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { SessionFiles } from '../../../protocol/api/files/files.ts';
import type { Launch, PlacementKey } from '../../../protocol/link/runner-control.ts';
import type { ContainerBackend } from '../../../runner/backend/backend.ts';
import { openDataFolder, type DataFolder } from '../../../runner/lib/data-folder.ts';
import type { Log } from '../../../runner/lib/log.ts';
import { ProcessBackend } from '../../../runner/backend/process-backend.ts';
import type { RunnerOptions } from '../../../runner/session/runner-options.ts';
import { Runner } from '../../../runner/session/runner.ts';
import { Snapshots } from '../../../runner/snapshot/snapshots.ts';
import { openStorage } from '../../../runner/storage/open-storage.ts';
import type { EgressDependencies } from '../../../runner/session/container/session-egress.ts';
import { FakeEdge } from './fake-edge.ts';
import { FakeSnapshots } from './fake-snapshots.ts';
import { FAKE_WRAPPER } from './fake-wrapper-bundle.ts';
import { keptLog } from '../quiet-log.ts';
import { scratch } from '../scratch.ts';

export const sessionId = (n: number) => `0190a0a0-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** Sessions may go nowhere, and there is no secret. */
export const NO_EGRESS: EgressDependencies = {
  rules: { ceiling: { allow: ['*:*'], presets: [] }, fallback: { allow: [], presets: [] }, private: [] },
  presets: new Map(),
  packages: async () => ({ rules: [], env: {} }),
  secrets: new Map(),
  trusted: { certificates: [] },
};

/** As a session's first launch has it. */
export const NEW_FILES: SessionFiles = {
  owner: 'a'.repeat(64),
  version: 1,
  local: 'preferred',
  workspace: null,
  conversation: null,
  start: null,
  fork_of: null,
  quota_bytes: null,
};

export function launchOf({ session_id, epoch }: PlacementKey, config: Partial<Launch['config']> = {}): Launch {
  return {
    session_id,
    epoch,
    token: 'token',
    resume: false,
    workspace: { type: 'ephemeral' },
    files: { ...NEW_FILES, version: epoch },
    config: {
      timeout_seconds: 60,
      allowed_tools: ['*'],
      permission_mode: 'bypass',
      agent_tools: [],
      permission_default: 'deny',
      answerers: [],
      interaction_reminders: 0,
      mcp_servers: {},
      max_turns: 10,
      secrets: [],
      skills: [],
      ...config,
    },
  };
}

export interface RunnerSetUp {
  folder?: string;
  edge?: FakeEdge;
  capacity?: number;
  egress?: Partial<EgressDependencies>;
  makeBackend?: (data: DataFolder, log: Log) => ContainerBackend | Promise<ContainerBackend>;
  snapshots?: FakeSnapshots;
  /** A real storage, in this folder, instead of the fake one. */
  storageFolder?: string;
  files?: Partial<RunnerOptions['settings']['files']>;
  diskFloorMb?: number;
  metricsMs?: number;
  drainSeconds?: number;
}

/** A runner on a fake edge; by default with processes that run the fake wrapper. */
export async function runRunner(options: RunnerSetUp = {}) {
  const folder = options.folder ?? scratch();
  const opened = openDataFolder(folder);
  if (!opened.ok) throw new Error(opened.problem);
  const edge = options.edge ?? (await FakeEdge.start());
  const { log, lines } = keptLog();
  const snapshots = options.snapshots ?? new FakeSnapshots();
  const processes = (data: DataFolder) =>
    new ProcessBackend({
      wrapperBundle: FAKE_WRAPPER,
      claudePath: process.execPath,
      path: process.env['PATH'] ?? '',
      sessions: data.sessions,
      log,
    });
  const { storageFolder } = options;
  const store =
    storageFolder === undefined ? undefined : await openStorage({ kind: 'folder', folder: storageFolder }, folder, log);
  const fakeStore = { id: snapshots.id, kind: snapshots.kind, health: () => snapshots.health(), close: () => {} };
  const runner = await Runner.start({
    settings: {
      edgeUrl: edge.url,
      capacity: options.capacity ?? 4,
      labels: {},
      claudeEnv: {},
      diskFloorMb: options.diskFloorMb ?? 0,
      drainSeconds: options.drainSeconds ?? 600,
      limits: { memoryMb: 256, cpus: 1, pids: 128, workspaceMb: 1024, workspaceFiles: 100_000 },
      files: { snapshotEveryMinutes: 0, sweepHours: 0, localCopyDays: 0, ...options.files },
    },
    credentials: { token: async () => ({ token: 'token' }), unknown: () => {} },
    store: store ?? fakeStore,
    snapshots: store === undefined ? snapshots : new Snapshots({ store, log }),
    backend: await (options.makeBackend ?? processes)(opened.data, log),
    data: opened.data,
    upstream: { kind: 'demo' },
    newModelHandler: () => createDemoModel(),
    egress: { ...NO_EGRESS, ...options.egress },
    version: '0',
    log,
    healthMs: 100,
    ...(options.metricsMs !== undefined && { metricsMs: options.metricsMs }),
    backoff: { minMs: 1, maxMs: 20 },
    snapshotBackoff: { minMs: 1, maxMs: 20 },
    writtenMs: 10,
  });
  onTestFinished(async () => {
    await runner.kill();
    if (options.edge === undefined) await edge.close();
  });
  await edge.frame('hello');
  return {
    runner,
    edge,
    folder,
    lines,
    snapshots,
    launch: (key: PlacementKey, config?: Partial<Launch['config']>) =>
      edge.order({ kind: 'launch', launch: launchOf(key, config) }),
    launchWith: (key: PlacementKey, given: Partial<Launch>) =>
      edge.order({ kind: 'launch', launch: { ...launchOf(key), ...given } }),
    session: (key: PlacementKey) => path.join(opened.data.sessions, key.session_id),
  };
}
