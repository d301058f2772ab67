import type { QuotaNotice } from '../../rpc/directory/reports.ts';
import type { ContainerFacts } from '../../rpc/session/session-rpc.ts';
import type { Beginning } from '../../shared/trees.ts';
import type { Spent } from '../../shared/turn-permit.ts';
import { beginFiles, type FilesState } from '../core/files.ts';
import type { SessionIdentity } from '../core/identity.ts';
import { beginSettings, type LiveSettings } from '../core/settings/live-settings.ts';
import { NEW_SESSION, type SessionState } from '../core/state.ts';

/** Of `container/`: how much of this epoch's link is stored: items `1 … stored`, and the runner's notices `1 … notices_stored`. */
interface LinkRecord {
  readonly epoch: number;
  readonly stored: number;
  readonly notices_stored: number;
}

/** Of `container/`: the entry in the owner's list. */
interface ListRecord {
  /** Counts the changes that the list should show. */
  readonly changes: number;
  /** The last change that the list has. */
  readonly listed: number;
  /** Counts the changes of what waits for people; absent: nothing has, or it did under a version that did not report it. */
  readonly inbox_changes?: number;
  /** The last of these that the owner's inbox has. */
  readonly inbox_listed?: number;
  /** The size of the database that the list has, bytes; absent: none yet, of a version that reported none. */
  readonly stored_bytes?: number;
}

/** Of `container/`: files that sessions share. */
interface SharingRecord {
  /** Sessions whose containers work in this one's files. */
  readonly sharers: readonly string[];
  /** The session whose files this one works in knows that this one's container does. */
  readonly reported: boolean;
}

/** The conversation at Claude Code. */
interface ConversationRecord {
  /** Claude Code's own id of it, which changes with `/clear`; null: it is the session's, or has not begun. */
  readonly id: string | null;
  /** Claude Code has begun another, and the next line names it. */
  readonly isReset: boolean;
}

/** Of `children/`: the sessions below this one, and what the budget ledger said last. */
interface ChildrenRecord {
  /** The sessions that it has created, the oldest first. */
  readonly ids: readonly string[];
  /** The version of the ledger's last verdict. */
  readonly verdict_version: number;
  /** The budget that the log says is spent; null: none. */
  readonly spent: Spent | null;
}

/** What the session's turns have cost. */
interface UsageRecord {
  readonly turns: number;
  readonly cost_usd: number;
  /** What the running turn has cost so far. `cost_usd` does not include it yet. */
  readonly live_usd: number;
}

/** What a session keeps besides its tables. Plain data, replaced whole with each change. */
export interface SessionRecord {
  readonly identity: SessionIdentity;
  readonly state: SessionState;
  readonly files: FilesState;
  readonly link: LinkRecord;
  /** What the runner said of this epoch's container when it started. */
  readonly container: ContainerFacts;
  /** What the pool has yet to be asked. Asking twice does no harm. */
  readonly place_request: 'want' | 'release' | null;
  /** As far as is known, the session leases the persistent workspace. The lease ends once the files are saved. */
  readonly leased: boolean;
  readonly sharing: SharingRecord;
  /** Questions and permissions that are open. */
  readonly open_interactions: number;
  readonly usage: UsageRecord;
  readonly conversation: ConversationRecord;
  readonly live: LiveSettings;
  readonly children: ChildrenRecord;
  /** What the owner's directory has last said of the storage quota; absent: nothing. */
  readonly quota?: QuotaNotice;
  /** The build that the container of this epoch waits for. Absent: it waits for none. */
  readonly build?: { readonly build_id: string };
  /** It has a thread on Discord. */
  readonly on_discord: boolean;
  /** Its deletion has begun, and goes on by itself if it is cut off: its owner's list may not have it any more. */
  readonly deleting?: true;
  readonly list: ListRecord;
  /** Epoch milliseconds. */
  readonly last_activity: number;
}

export const NO_CONTAINER: ContainerFacts = { resources: null, exposed_secrets: [] };

export function newRecord(
  identity: SessionIdentity,
  beginning: Beginning,
  permit: SessionState['permit'],
): SessionRecord {
  return {
    identity,
    state: { ...NEW_SESSION, permit },
    files: beginFiles(beginning),
    link: { epoch: 0, stored: 0, notices_stored: 0 },
    container: NO_CONTAINER,
    place_request: null,
    leased: false,
    sharing: { sharers: [], reported: false },
    open_interactions: 0,
    usage: { turns: 0, cost_usd: 0, live_usd: 0 },
    conversation: { id: null, isReset: false },
    live: beginSettings(identity.request.config),
    children: { ids: [], verdict_version: 0, spent: null },
    on_discord: false,
    list: { changes: 1, listed: 0, stored_bytes: 0 },
    last_activity: identity.created,
  };
}

/** The record after one more change that the owner's list should show. */
export function listChanged(record: SessionRecord): SessionRecord {
  return { ...record, list: { ...record.list, changes: record.list.changes + 1 } };
}

/** The record after a change of what waits for people, which the owner's inbox should show. */
export function inboxChanged(record: SessionRecord): SessionRecord {
  const changed = listChanged(record);
  return { ...changed, list: { ...changed.list, inbox_changes: (record.list.inbox_changes ?? 0) + 1 } };
}

/** Whether the owner's inbox does not show yet what waits for people. */
export function isInboxLate({ list }: SessionRecord): boolean {
  return (list.inbox_changes ?? 0) !== (list.inbox_listed ?? 0);
}

/** What the session has cost, the running turn included, USD. */
export function totalCost({ usage }: SessionRecord): number {
  return usage.cost_usd + usage.live_usd;
}
