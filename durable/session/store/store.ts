import { isDiscordReady } from '../../../protocol/settings/discord-settings.ts';
import type { EdgeSettings } from '../../../protocol/settings/edge-settings.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { Beginning } from '../core/files.ts';
import type { ChildEvent } from '../core/children/child-updates.ts';
import type { StoredDeskNews } from '../core/discord-updates.ts';
import type { Limits } from '../core/state.ts';
import { askLimitsOf, limitsOf } from '../core/limits.ts';
import { AgentCallTable } from './tables/agent-call-table.ts';
import { ArtifactTable } from './tables/artifact-table.ts';
import type { Birth } from '../../rpc/creation.ts';
import { ChildTable } from './tables/child-table.ts';
import { CommandTable } from './tables/command-table.ts';
import { DeliveryTable } from './tables/delivery-table.ts';
import { EventLog } from './tables/event-log.ts';
import { InteractionTable } from './tables/interaction-table.ts';
import { MessageTable } from './tables/message-table.ts';
import { NewsTable } from './tables/update-table.ts';
import { SessionDraft } from './transaction.ts';
import { RecordTable } from './record-table.ts';
import { newRecord, type SessionIdentity, type SessionRecord } from './record.ts';
import { SnapshotTable } from './tables/snapshot-table.ts';

/** To who asks for a session that is not there, or is another's: nothing tells the two apart. */
export const GONE: Refusal = {
  refused: 'session_not_found',
  detail: 'There is no session with this id, or it is not yours.',
};

/** Told of a change once it has been committed; `before` is the log's last `seq` before it. */
export type OnChanged = (draft: SessionDraft, before: number) => void;

/** A session's state and tables, and the one way to change them: a transaction, after which everyone is told. */
export class SessionCore {
  readonly log: EventLog;
  readonly messages: MessageTable;
  readonly commands: CommandTable;
  readonly snapshots: SnapshotTable;
  readonly interactions: InteractionTable;
  readonly calls: AgentCallTable;
  readonly artifacts: ArtifactTable;
  readonly children: ChildTable;
  readonly news: NewsTable<ChildEvent>;
  readonly deskNews: NewsTable<StoredDeskNews>;
  readonly deliveries: DeliveryTable;
  /** There are people on Discord to be told. */
  readonly isOnDiscord: boolean;
  readonly settings: EdgeSettings;
  readonly #storage: DurableObjectStorage;
  readonly #records: RecordTable;
  readonly #onChanged: OnChanged;
  #record: SessionRecord | null;
  #seq: number;

  constructor(storage: DurableObjectStorage, settings: EdgeSettings, onChanged: OnChanged) {
    this.#storage = storage;
    this.settings = settings;
    this.#onChanged = onChanged;
    this.#records = new RecordTable(storage.sql);
    this.log = new EventLog(storage.sql);
    this.messages = new MessageTable(storage.sql);
    this.commands = new CommandTable(storage.sql);
    this.snapshots = new SnapshotTable(storage.sql);
    this.interactions = new InteractionTable(storage.sql);
    this.calls = new AgentCallTable(storage.sql);
    this.artifacts = new ArtifactTable(storage.sql);
    this.children = new ChildTable(storage.sql);
    this.news = new NewsTable(storage.sql, 'parent_news');
    this.deskNews = new NewsTable(storage.sql, 'desk_news');
    this.isOnDiscord = isDiscordReady(settings, 'notify');
    this.deliveries = new DeliveryTable(storage.sql);
    this.#record = this.#records.load();
    // An earlier version may have had fewer.
    if (this.#record !== null) this.#createTables();
    this.#seq = this.#record === null ? 0 : this.log.last();
  }

  /** Null: there is no such session, not yet or not any more. */
  get record(): SessionRecord | null {
    return this.#record;
  }

  /** The record of a session that is known to be there. */
  get current(): SessionRecord {
    if (this.#record === null) throw new Error('the session does not exist');
    return this.#record;
  }

  /** The record, for its owner; null: there is no such session, or it is another's. */
  ownedBy(owner: string): SessionRecord | null {
    return this.#record?.identity.owner === owner ? this.#record : null;
  }

  /** `seq` of the newest event. */
  get seq(): number {
    return this.#seq;
  }

  get limits(): Limits {
    return limitsOf(this.current, this.settings);
  }

  begin(identity: SessionIdentity, beginning: Beginning, { leave }: Birth): void {
    this.#createTables();
    const record = newRecord(identity, beginning);
    this.#record = { ...record, state: { ...record.state, leave } };
    this.change((draft) => {
      draft.input({ on: 'created' });
      const { spawn } = identity;
      if (spawn !== null) draft.prompt(spawn.message_id, spawn.prompt, null);
    });
  }

  /** Makes one change in one transaction. A throw leaves everything as it was. */
  change<T>(work: (draft: SessionDraft, now: number) => T): T {
    const now = Date.now();
    const before = this.current;
    const limits = { phases: this.limits, asks: askLimitsOf(before, this.settings) };
    const draft = new SessionDraft(before, this.#seq, this, limits, now);
    const result = this.#storage.transactionSync(() => {
      const value = work(draft, now);
      if (draft.record !== before) this.#records.save(draft.record);
      return value;
    });
    const seq = this.#seq;
    this.#record = draft.record;
    this.#seq = draft.seq;
    this.#onChanged(draft, seq);
    return result;
  }

  /** The directory has the state after `changes` changes. Nobody else need know. */
  directoryKnows(changes: number): void {
    if (this.#record === null) return;
    this.#record = { ...this.#record, told: changes };
    this.#records.save(this.#record);
  }

  /** Not before there is a session: anyone may ask after any id, and what was deleted may be told something late. Neither stores a thing. */
  #createTables(): void {
    const tables = [
      this.#records,
      this.log,
      this.messages,
      this.commands,
      this.snapshots,
      this.interactions,
      this.calls,
      this.artifacts,
      this.children,
      this.news,
      this.deskNews,
      this.deliveries,
    ];
    for (const table of tables) table.create();
  }

  /** Removes all that is stored. */
  async erase(): Promise<void> {
    const record = this.#record;
    // From now on there is nothing to write to.
    this.#record = null;
    try {
      await this.#storage.deleteAlarm();
      await this.#storage.deleteAll();
    } catch (error) {
      this.#record = record;
      throw error;
    }
  }
}
