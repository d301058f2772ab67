import { isDiscordReady } from '../../../protocol/settings/discord-settings.ts';
import type { EdgeSettings } from '../../../protocol/settings/edge-settings.ts';
import { SESSION_NOT_FOUND, type Refusal } from '../../../protocol/api/problem.ts';
import type { Beginning } from '../../shared/trees.ts';
import type { ChildEvent } from '../core/children/child-updates.ts';
import type { StoredDeskUpdate } from '../core/desk-update.ts';
import type { Limits } from '../core/state.ts';
import { agentToolsOf, interactionLimitsOf, limitsOf } from '../core/limits.ts';
import { AgentCallTable } from './tables/agent-call-table.ts';
import { ArtifactTable } from './tables/artifact-table.ts';
import type { BuildUpdate } from '../../shared/environments/build-update.ts';
import type { Creation } from '../../rpc/session/creation.ts';
import { ChildTable } from './tables/child-table.ts';
import { CommandTable } from './tables/command-table.ts';
import { CursorTable } from './tables/cursor-table.ts';
import { EventLog, type Retention } from './tables/event-log.ts';
import { InteractionTable } from './tables/interaction-table.ts';
import { MessageTable } from './messages/message-table.ts';
import { TraceTable } from './messages/trace-table.ts';
import { TurnTable } from './messages/turn-table.ts';
import { UpdateTable } from './tables/update-table.ts';
import { TicketTable } from './tables/ticket-table.ts';
import { WakeupTable } from './tables/wakeup-table.ts';
import { PortTable } from './tables/port-table.ts';
import { Transaction } from './changes/transaction.ts';
import { SessionEnvironmentTable } from './environment-table.ts';
import { RecordTable } from './record-table.ts';
import type { SessionIdentity } from '../core/identity.ts';
import { migrate, stampVersion } from '../../shared/schema.ts';
import { SESSION_SCHEMA } from './migrations.ts';
import { newRecord, type SessionRecord } from './record.ts';
import { SnapshotTable } from './tables/snapshot-table.ts';
import { DeliveryTable } from './webhooks/delivery-table.ts';
import { UnroutedTable } from './webhooks/unrouted-table.ts';

/** Events whose time is over are deleted together, so that one alarm serves those of an hour. */
const PRUNE_TOGETHER_MS = 3_600_000;

/** Called after each commit; `before` is the log's last `seq` before the transaction. */
export type OnChanged = (tx: Transaction, before: number) => void;

/** A session's state and tables, and the only way to change them: a transaction, after which the session's parts act on it. */
export class SessionStore {
  readonly log: EventLog;
  readonly messages: MessageTable;
  readonly turns: TurnTable;
  readonly commands: CommandTable;
  readonly snapshots: SnapshotTable;
  readonly interactions: InteractionTable;
  readonly calls: AgentCallTable;
  readonly wakeups: WakeupTable;
  readonly ports: PortTable;
  readonly tickets: TicketTable;
  readonly artifacts: ArtifactTable;
  readonly children: ChildTable;
  readonly parentUpdates: UpdateTable<ChildEvent>;
  readonly deskUpdates: UpdateTable<StoredDeskUpdate>;
  readonly buildUpdates: UpdateTable<BuildUpdate>;
  readonly environment: SessionEnvironmentTable;
  readonly deliveries: DeliveryTable;
  readonly unrouted: UnroutedTable;
  readonly streamCursor: CursorTable;
  /** Null: no collector is set, so nothing is traced. */
  readonly traces: TraceTable | null;
  /** Discord is set up, so that people there are notified. */
  readonly isOnDiscord: boolean;
  readonly settings: EdgeSettings;
  readonly #storage: DurableObjectStorage;
  readonly #records: RecordTable;
  readonly #onChanged: OnChanged;
  readonly #retention: Retention;
  #record: SessionRecord | null;
  #seq: number;

  constructor(storage: DurableObjectStorage, settings: EdgeSettings, onChanged: OnChanged) {
    this.#storage = storage;
    this.settings = settings;
    const { EVENT_LOG_MB, EVENT_RETENTION_DAYS } = settings;
    this.#retention = { maxBytes: EVENT_LOG_MB * 1024 * 1024, maxAgeMs: EVENT_RETENTION_DAYS * 86_400_000 };
    this.#onChanged = onChanged;
    this.#records = new RecordTable(storage.sql);
    this.log = new EventLog(storage.sql);
    this.turns = new TurnTable(storage.sql);
    this.messages = new MessageTable(storage.sql, this.turns, this.log);
    this.commands = new CommandTable(storage.sql);
    this.snapshots = new SnapshotTable(storage.sql);
    this.interactions = new InteractionTable(storage.sql);
    this.calls = new AgentCallTable(storage.sql);
    this.wakeups = new WakeupTable(storage.sql);
    this.ports = new PortTable(storage.sql);
    this.tickets = new TicketTable(storage.sql);
    this.artifacts = new ArtifactTable(storage.sql);
    this.children = new ChildTable(storage.sql);
    this.parentUpdates = new UpdateTable(storage.sql, 'parent_news');
    this.deskUpdates = new UpdateTable(storage.sql, 'desk_news');
    this.buildUpdates = new UpdateTable(storage.sql, 'build_news');
    this.environment = new SessionEnvironmentTable(storage.sql);
    this.isOnDiscord = isDiscordReady(settings, 'notify');
    this.deliveries = new DeliveryTable(storage.sql);
    this.unrouted = new UnroutedTable(storage.sql);
    this.streamCursor = new CursorTable(storage.sql);
    const { OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_TRACES_SAMPLER_ARG: ratio } = settings;
    this.traces = collector === undefined ? null : new TraceTable(storage.sql, ratio);
    this.#record = migrate(storage, SESSION_SCHEMA) === 'none' ? null : this.#records.load();
    // Sessions of version 1 may lack tables that came later.
    if (this.#record !== null) this.#createTables();
    this.#seq = this.#record === null ? 0 : this.log.last();
  }

  /** Null: the session does not exist yet, or is deleted. */
  get record(): SessionRecord | null {
    return this.#record;
  }

  /** The record of a session that is known to exist. */
  get current(): SessionRecord {
    if (this.#record === null) throw new Error('the session does not exist');
    return this.#record;
  }

  /** The record, for its owner; null: there is no such session, or another owner has it. */
  ownedBy(owner: string): SessionRecord | null {
    return this.#record?.identity.owner === owner ? this.#record : null;
  }

  /** What `work` answers the session's owner; anyone else gets `SESSION_NOT_FOUND`. */
  forOwner<T>(owner: string, work: (record: SessionRecord) => T): T | Refusal {
    const record = this.ownedBy(owner);
    return record === null ? SESSION_NOT_FOUND : work(record);
  }

  /** `seq` of the newest event. */
  get seq(): number {
    return this.#seq;
  }

  get limits(): Limits {
    const { identity, files } = this.current;
    return limitsOf(identity, files.cloned, this.settings);
  }

  begin(identity: SessionIdentity, beginning: Beginning, { permit, prompt, traceparent, environment }: Creation): void {
    this.#createTables();
    stampVersion(this.#storage.sql, SESSION_SCHEMA);
    this.#record = newRecord(identity, beginning, permit);
    this.change((tx) => {
      if (environment !== undefined) this.environment.set(environment);
      tx.input({ on: 'created' });
      // Those beyond `MAX_PORTS_PER_SESSION` are not: events name those that are.
      for (const port of environment?.ports ?? []) tx.ports.share({ ...port, by: 'environment' });
      const { spawn, session_id } = identity;
      this.traces?.addCause(session_id, traceparent);
      if (spawn === null) return;
      if (prompt === undefined) throw new Error('a child is created with its first prompt');
      tx.prompt({ message_id: spawn.message_id, prompt, origin: 'parent', traceparent });
    });
  }

  /** Makes one change in one transaction. A throw leaves everything as it was. */
  change<T>(work: (tx: Transaction, now: number) => T): T {
    const now = Date.now();
    const before = this.current;
    const limits = {
      phases: this.limits,
      asks: interactionLimitsOf(before.identity, this.settings),
      tools: agentToolsOf(before.identity, this.settings),
      queue: this.settings,
      deliveries: this.settings,
      ports: this.settings,
    };
    const tx = new Transaction(before, this.#seq, this, limits, now);
    const result = this.#transaction(() => {
      const value = work(tx, now);
      if (tx.record !== before) this.#records.save(tx.record);
      const pruned = this.log.prune(this.#retention, now, (last) => this.messages.keepTexts(last));
      if (pruned !== null) this.messages.forgetTexts(pruned);
      return value;
    });
    const seq = this.#seq;
    this.#record = tx.record;
    this.#seq = tx.seq;
    this.#onChanged(tx, seq);
    return result;
  }

  #transaction<T>(work: () => T): T {
    try {
      return this.#storage.transactionSync(work);
    } catch (error) {
      this.log.forget();
      throw error;
    }
  }

  /** When events are to be deleted because of their age, epoch milliseconds; null: not by themselves. */
  nextPrune(): number | null {
    const { maxAgeMs } = this.#retention;
    const oldest = maxAgeMs === 0 ? null : this.log.oldest();
    return oldest === null ? null : oldest + maxAgeMs + PRUNE_TOGETHER_MS;
  }

  /** As `change`, unless the session does not exist (any more). Other objects may still know of a deleted session. */
  changeIfPresent(work: (tx: Transaction, now: number) => void): void {
    if (this.#record !== null) this.change(work);
  }

  /** Bytes that the session's database takes. */
  get storedBytes(): number {
    return this.#storage.sql.databaseSize;
  }

  /** What the owner's list has now: the state after so many changes, and that size. No subscriber needs to know. */
  listed(list: Pick<SessionRecord['list'], 'listed' | 'stored_bytes' | 'inbox_listed'>): void {
    if (this.#record === null) return;
    this.#record = { ...this.#record, list: { ...this.#record.list, ...list } };
    this.#records.save(this.#record);
  }

  /** Called only once a session exists: a request for an unknown id, or a late call to a deleted session, must store nothing. */
  #createTables(): void {
    const tables = [
      this.#records,
      this.log,
      this.messages,
      this.turns,
      this.commands,
      this.snapshots,
      this.interactions,
      this.calls,
      this.wakeups,
      this.ports,
      this.tickets,
      this.artifacts,
      this.children,
      this.parentUpdates,
      this.deskUpdates,
      this.buildUpdates,
      this.environment,
      this.deliveries,
      this.unrouted,
      this.streamCursor,
      ...(this.traces === null ? [] : [this.traces]),
    ];
    for (const table of tables) table.create();
  }

  /** Removes all that is stored. */
  async erase(): Promise<void> {
    const record = this.#record;
    // From now on nothing may write.
    this.#record = null;
    try {
      await this.#storage.deleteAlarm();
      await this.#storage.deleteAll();
      this.log.forget();
    } catch (error) {
      this.#record = record;
      throw error;
    }
  }
}
