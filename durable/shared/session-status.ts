import type { SessionStatus } from '../../protocol/api/session/session.ts';

/** What a caller may ask of a session. */
export type SessionAction = 'chat' | 'interrupt' | 'stop' | 'delete' | 'files';

interface StatusRow {
  /** The session holds a container or waits for one. It counts against `MAX_SESSIONS_PER_USER`. */
  readonly active: boolean;
  readonly allows: readonly SessionAction[];
}

/**
 * What may be done in which status: the one table from which every check derives. A stopped or failed session takes
 * messages, because they wake it. There is nothing in it to stop, so stopping it again changes nothing. Files are read and written
 * whether a container runs or not.
 */
const STATUS_TABLE: Readonly<Record<SessionStatus, StatusRow>> = {
  queued: { active: true, allows: ['chat', 'interrupt', 'stop', 'delete', 'files'] },
  starting: { active: true, allows: ['chat', 'interrupt', 'stop', 'delete', 'files'] },
  idle: { active: true, allows: ['chat', 'interrupt', 'stop', 'delete', 'files'] },
  running: { active: true, allows: ['chat', 'interrupt', 'stop', 'delete', 'files'] },
  stopped: { active: false, allows: ['chat', 'delete', 'files'] },
  failed: { active: false, allows: ['chat', 'delete', 'files'] },
};

export function allows(status: SessionStatus, action: SessionAction): boolean {
  return STATUS_TABLE[status].allows.includes(action);
}

/** Whether the session holds a container or waits for one. */
export function isActive(status: SessionStatus): boolean {
  return STATUS_TABLE[status].active;
}

/** Statuses of sessions that hold a container or wait for one. */
export const ACTIVE_STATUSES: readonly SessionStatus[] = (Object.keys(STATUS_TABLE) as SessionStatus[]).filter(
  isActive,
);
