import type { BuildUpdate } from '../../shared/environments/build-update.ts';
import type { ChildEvent } from '../core/children/child-updates.ts';
import type { StoredDeskUpdate } from '../core/desk-update.ts';
import type { SessionEnvironmentTable } from './environment-table.ts';
import type { AgentCallTable } from './tables/agent-call-table.ts';
import type { ChildTable } from './tables/child-table.ts';
import type { CommandTable } from './tables/command-table.ts';
import type { EventLog } from './tables/event-log.ts';
import type { InteractionTable } from './tables/interaction-table.ts';
import type { MessageTable } from './messages/message-table.ts';
import type { PortTable } from './tables/port-table.ts';
import type { SnapshotTable } from './tables/snapshot-table.ts';
import type { TraceTable } from './messages/trace-table.ts';
import type { TurnTable } from './messages/turn-table.ts';
import type { UpdateTable } from './tables/update-table.ts';
import type { WakeupTable } from './tables/wakeup-table.ts';
import type { DeliveryTable } from './webhooks/delivery-table.ts';
import type { UnroutedTable } from './webhooks/unrouted-table.ts';

/** The tables that a transaction of a session writes to. */
export interface SessionTables {
  readonly log: EventLog;
  readonly messages: MessageTable;
  readonly turns: TurnTable;
  readonly commands: CommandTable;
  readonly snapshots: SnapshotTable;
  readonly interactions: InteractionTable;
  readonly calls: AgentCallTable;
  readonly wakeups: WakeupTable;
  readonly ports: PortTable;
  readonly children: ChildTable;
  readonly parentUpdates: UpdateTable<ChildEvent>;
  readonly environment: SessionEnvironmentTable;
  readonly buildUpdates: UpdateTable<BuildUpdate>;
  readonly deliveries: DeliveryTable;
  readonly unrouted: UnroutedTable;
  readonly deskUpdates: UpdateTable<StoredDeskUpdate>;
  /** Null: nothing is traced. */
  readonly traces: TraceTable | null;
  /** People on Discord are to be told. */
  readonly isOnDiscord: boolean;
}
