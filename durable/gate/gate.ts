import { DurableObject } from 'cloudflare:workers';
import { edgeSettings, type EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import { directoryStub, sessionStub, type EdgeEnv } from '../rpc/edge-env.ts';
import { ownerOfFeed } from '../rpc/gate-rpc.ts';
import type {
  AuditPage,
  AuditQuery,
  AuditRecord,
  GateMetrics,
  GateRpc,
  OpenStream,
  OwnerTotals,
  Permits,
  Telemetry,
} from '../rpc/gate-rpc.ts';
import type { Revocation, TokenMark } from '../shared/tokens/revocation.ts';
import { migrate, stampVersion, type Schema } from '../shared/schema.ts';
import { AuditTable } from './audit-table.ts';
import { OwnerTotalsTable } from './owner-totals-table.ts';
import { Probe } from './probe.ts';
import { RateLimits } from './rate-limits.ts';
import { RevocationTable } from './revocation-table.ts';
import { StreamTable, type Untold } from './stream-table.ts';
import { Tally } from './tally.ts';
import { UsedCodes } from './used-codes.ts';
import { Vapid } from './vapid.ts';

/** The versions of the gate's stored state. The first is the only one yet. */
const GATE_SCHEMA: Schema = { of: 'gate', firstTable: 'audit', migrations: [] };

/** How often what is over is removed, milliseconds. */
const PRUNE_MS = 3_600_000;
/** After a session could not be told, milliseconds until it is tried again. */
const RETRY_MS = 1000;
const DAY_MS = 86_400_000;

/** What all of a service shares: see `GateRpc`. */
export class Gate extends DurableObject<EdgeEnv> implements GateRpc {
  readonly #settings: EdgeSettings;
  readonly #limits = new RateLimits();
  readonly #revocations: RevocationTable;
  readonly #codes: UsedCodes;
  readonly #streams: StreamTable;
  readonly #audit: AuditTable;
  readonly #tally = new Tally();
  readonly #owners: OwnerTotalsTable;
  readonly #probe: Probe;
  readonly #vapid: Vapid;

  constructor(ctx: DurableObjectState, env: EdgeEnv) {
    super(ctx, env);
    this.#settings = edgeSettings.parse(env);
    const isNew = migrate(ctx.storage, GATE_SCHEMA) === 'none';
    this.#revocations = new RevocationTable(ctx.storage.sql);
    this.#codes = new UsedCodes(ctx.storage.sql);
    this.#streams = new StreamTable(ctx.storage.sql);
    this.#audit = new AuditTable(ctx.storage.sql);
    this.#owners = new OwnerTotalsTable(ctx.storage.sql);
    this.#probe = new Probe(ctx.storage);
    this.#vapid = new Vapid(ctx.storage.sql);
    if (!isNew) return;
    stampVersion(ctx.storage.sql, GATE_SCHEMA);
    void ctx.storage.setAlarm(Date.now() + PRUNE_MS);
  }

  take(key: string, perMinute: number, permits: number): Permits {
    return this.#limits.take(key, perMinute, permits, Date.now());
  }

  revoke(what: Revocation): void {
    this.#revocations.add(what);
  }

  isRevoked(token: TokenMark): boolean {
    return this.#revocations.has(token);
  }

  useCode(code: string, until: number): boolean {
    return this.#codes.use(code, until);
  }

  opened(stream: OpenStream): void {
    this.#streams.add(stream);
  }

  async endStreams(what: Revocation): Promise<void> {
    this.#streams.revoked(what);
    await this.#tellSessions();
  }

  record(record: AuditRecord): void {
    this.#audit.add(record);
  }

  audit(query: AuditQuery): AuditPage {
    return this.#audit.page(query);
  }

  report(telemetry: Telemetry): void {
    this.#tally.add(telemetry, Date.now());
  }

  reportOwner(directory: string, totals: OwnerTotals): void {
    this.#owners.set(directory, totals);
  }

  async vapidKey(): Promise<string> {
    return this.#vapid.publicKey();
  }

  async vapidAuthorization(audience: string, subject: string | null): Promise<string> {
    return this.#vapid.authorization(audience, subject, Date.now());
  }

  metrics(): GateMetrics {
    return { counts: this.#tally.counts(), viewers: this.#tally.viewers(Date.now()), ...this.#owners.sum() };
  }

  probe(): Promise<void> {
    return this.#probe.try();
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    this.#codes.prune(now);
    this.#revocations.prune(now);
    this.#streams.prune(now);
    const { AUDIT_RETENTION_DAYS: days } = this.#settings;
    if (days > 0) this.#audit.removeBefore(now - days * DAY_MS);
    await this.ctx.storage.setAlarm(now + PRUNE_MS);
    await this.#tellSessions();
  }

  /** Has the sessions end the streams of revoked tokens. One that cannot be reached is told later. */
  async #tellSessions(): Promise<void> {
    for (let untold = this.#streams.untold(); untold.length > 0; untold = this.#streams.untold()) {
      const told = await Promise.all(untold.map((one) => this.#tell(one)));
      if (told.includes(false)) return await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
    }
  }

  async #tell({ session_id, what }: Untold): Promise<boolean> {
    try {
      const revocation = JSON.parse(what) as Revocation;
      const owner = ownerOfFeed(session_id);
      if (owner !== null) await directoryStub(this.env, owner).feedRevoked(revocation, owner);
      else await sessionStub(this.env, session_id).tokensRevoked(revocation);
    } catch (error) {
      console.error(`gate: session ${session_id} could not be told of a revocation, trying again: ${String(error)}`);
      return false;
    }
    this.#streams.told(session_id, what);
    return true;
  }
}
