import type { AgentTool } from '../../../../../protocol/api/session/session-config.ts';
import type { FilesInput } from '../../../core/files.ts';
import type { SessionTables } from '../../session-tables.ts';
import type { BuildChanges } from '../build-changes.ts';
import type { Change } from '../change.ts';
import type { ChildChanges } from '../child-changes.ts';
import type { InteractionChanges } from '../interaction-changes.ts';
import type { PortChanges } from '../port-changes.ts';
import type { SettingsChanges } from '../settings-changes.ts';
import type { WakeupChanges } from '../wakeup-changes.ts';

/** What the link needs of a transaction besides `Change`. */
export interface LinkTransaction extends Change {
  readonly builds: BuildChanges;
  readonly interactions: InteractionChanges;
  readonly children: ChildChanges;
  readonly wakeups: WakeupChanges;
  readonly ports: PortChanges;
  readonly settings: SettingsChanges;
  /** The place or the content of the session's files has changed. */
  files(input: FilesInput): void;
  /** Writes a line to the log as `claude` wrote it. */
  append(type: string, json: string): void;
}

/** What it needs besides. */
export interface LinkContext {
  readonly tables: SessionTables;
  /** The tools of CC-Docker that the agent may call. */
  readonly tools: readonly AgentTool[];
  readonly now: number;
}
