import type { SnapshotView } from '../../../protocol/api/files/workspace.ts';
import type { TreeName } from '../../../protocol/link/runner-control.ts';
import type { Head } from '../../shared/trees.ts';
import type { Verdict } from '../../shared/turn-permit.ts';

/** What a session has spent, and whether a turn of it runs or waits. */
export interface SpendingReport {
  readonly session_id: string;
  /** In all, USD. */
  readonly cost_usd: number;
  readonly turn: 'none' | 'wanted' | 'running';
}

/** A verdict as a session receives it. Of two, the one with the higher version holds. */
export interface VersionedVerdict {
  readonly version: number;
  readonly verdict: Verdict;
}

/** What a session knows of its owner's storage quota. Of two, the one with the higher version holds. */
export interface QuotaNotice {
  readonly version: number;
  /** What takes the room, and what to do; null: there is room. */
  readonly over: string | null;
}

/** A stored snapshot as its session reports it. */
export interface SnapshotInput {
  readonly view: SnapshotView;
  readonly storage: string;
  /** It is the session's newest: the head of the workspace that the session leases. */
  readonly newest: boolean;
  /** What the owner's part of that storage takes, bytes; null: not measured. */
  readonly owner_bytes: number | null;
  /** All stored trees that the session needs. */
  readonly uses: readonly TreeName[];
}

/** A stored artifact as its session reports it. */
export interface ArtifactInput {
  readonly session_id: string;
  readonly artifact_id: string;
  readonly storage: string;
  /** What the owner's part of that storage takes, bytes; null: not measured. */
  readonly owner_bytes: number | null;
}

export interface LeaseInput {
  readonly session_id: string;
  readonly workspace_id: string;
  /** Of the session's files. A request that a newer one has overtaken changes nothing. */
  readonly version: number;
}

export type LeaseAnswer =
  | { readonly leased: true; readonly head: Head | null }
  /** `detail` says who has it, and what to do. */
  | { readonly leased: false; readonly detail: string };

/** How long a session's viewer slots are its own unless it asks again, milliseconds. */
export const VIEWER_LEASE_MS = 120_000;

/** A session's viewers, as it reports them. */
export interface ViewersInput {
  readonly session_id: string;
  /** Those that are connected. They keep their slots in any case. */
  readonly open: number;
  /** The slots that it would like to have in all. */
  readonly wanted: number;
}
