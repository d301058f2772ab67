import type {
  EnvironmentBuild,
  EnvironmentBuildLog,
  EnvironmentRequest,
  EnvironmentView,
} from '../../../protocol/api/environment.ts';
import { repositoriesOf } from '../../../protocol/api/files/workspace.ts';
import { DEVCONTAINER } from '../../../protocol/api/environment-name.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { CreateSessionRequest } from '../../../protocol/api/session/session.ts';
import type { EdgeSettings } from '../../../protocol/settings/edge-settings.ts';
import { imageRefusal } from '../../../protocol/settings/environment-settings.ts';
import type { BuildUpdate } from '../../shared/environments/build-update.ts';
import type { FrozenEnvironment } from '../../shared/environments/frozen.ts';
import { canonicalJson } from '../core/environments/canonical.ts';
import { begin } from '../core/environments/begin.ts';
import { BuildTable } from './build-table.ts';
import { EnvironmentTable, type EnvironmentRow } from './environment-table.ts';

/** An environment that sessions can start from. */
type Known = Pick<EnvironmentRow, 'name' | 'request' | 'revision'> &
  ({ readonly shared: false; readonly created: number; readonly updated: number } | { readonly shared: true });

/** The environments that an owner has, beside those that the operator shares with all; and the builds of their images. */
export class Environments {
  readonly #table: EnvironmentTable;
  readonly #builds: BuildTable;
  readonly #settings: EdgeSettings;
  /** The revisions of the operator's, by name. */
  #revisions: ReadonlyMap<string, string> = new Map();

  constructor(sql: SqlStorage, settings: EdgeSettings) {
    this.#table = new EnvironmentTable(sql);
    this.#builds = new BuildTable(sql);
    this.#settings = settings;
  }

  /** Call it before anything else: it finds the revisions of those that the operator shares. */
  async prepare(): Promise<void> {
    this.#revisions = await revisionsOf(this.#settings.ENVIRONMENTS);
  }

  async put(name: string, request: EnvironmentRequest, now: number): Promise<EnvironmentView | Refusal> {
    const revision = await revisionOf(request);
    const refused = this.#refusal(name, request);
    if (refused !== null) return refused;
    const before = this.#table.get(name);
    const row = { name, request, revision, created: before?.created ?? now, updated: now };
    this.#table.set(row);
    return this.#view({ ...row, shared: false });
  }

  /** All, by name: the owner's, and the shared ones of other names. */
  list(): EnvironmentView[] {
    const own = this.#table.all().map((row): Known => ({ ...row, shared: false }));
    const names = new Set(own.map(({ name }) => name));
    const shared = Object.keys(this.#settings.ENVIRONMENTS).filter((name) => !names.has(name));
    const all = [...own, ...shared.flatMap((name) => this.#sharedOne(name) ?? [])];
    return all.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((one) => this.#view(one));
  }

  show(name: string): EnvironmentView | Refusal {
    const known = this.#find(name);
    return known === null ? notFound(name) : this.#view(known);
  }

  /** Sessions that were created from it go on with what it was then. */
  remove(name: string): { deleted: true } | Refusal {
    if (this.#table.get(name) === null) return this.#sharedOne(name) === null ? notFound(name) : isShared(name);
    this.#table.remove(name);
    // If the operator shares one by that name, its builds begin anew: those were of the owner's own.
    this.#builds.forget(name);
    return { deleted: true };
  }

  builds(
    name: string,
    cursor: string | undefined,
    limit: number,
  ): { data: EnvironmentBuild[]; next_cursor: string | null } | Refusal {
    return this.#isKnown(name) ? this.#builds.page(name, cursor, limit) : notFound(name);
  }

  build(name: string, id: string): EnvironmentBuildLog | Refusal {
    if (!this.#isKnown(name)) return notFound(name);
    return this.#builds.show(name, id) ?? buildNotFound(name);
  }

  /** A session reports on builds. What was deleted meanwhile is noted nowhere: the session's log has it. */
  report(sessionId: string, updates: readonly BuildUpdate[]): void {
    for (const update of updates) {
      if (update.is !== 'started' || this.#isKnown(update.environment)) this.#builds.update(sessionId, update);
    }
  }

  /**
   * What a new session begins with.
   *
   * @param inherited of a child or a fork: its parent's, which is in its request already; null: there is none
   * @returns its request with what the environment sets below its own settings; `environment`: what it keeps of it, null: it has none
   */
  begin(
    request: CreateSessionRequest,
    inherited: FrozenEnvironment | null | undefined,
  ): { readonly request: CreateSessionRequest; readonly environment: FrozenEnvironment | null } | Refusal {
    const { environment: name } = request.config;
    if (inherited !== undefined || name === undefined) return { request, environment: inherited ?? null };
    if (name === DEVCONTAINER) {
      if (repositoriesOf(request.workspace).length === 0) return withoutRepository();
      const of = { name, shared: false, revision: null };
      return { request, environment: { of, build: {}, ports: [] } };
    }
    const known = this.#find(name);
    if (known === null) return notFound(name, 'config.environment');
    return begin(request, known, this.#settings);
  }

  #isKnown(name: string): boolean {
    return name === DEVCONTAINER || this.#find(name) !== null;
  }

  /** One of the owner's is used in place of a shared one by the same name. */
  #find(name: string): Known | null {
    const own = this.#table.get(name);
    return own === null ? this.#sharedOne(name) : { ...own, shared: false };
  }

  #sharedOne(name: string): Known | null {
    const { ENVIRONMENTS } = this.#settings;
    const request = Object.hasOwn(ENVIRONMENTS, name) ? ENVIRONMENTS[name] : undefined;
    const revision = this.#revisions.get(name);
    return request === undefined || revision === undefined ? null : { name, request, revision, shared: true };
  }

  #refusal(name: string, request: EnvironmentRequest): Refusal | null {
    const { MAX_ENVIRONMENTS_PER_OWNER: most } = this.#settings;
    if (most > 0 && this.#table.get(name) === null && this.#table.count >= most) {
      const detail = `You have ${most} environments, as many as are allowed (MAX_ENVIRONMENTS_PER_OWNER). Delete one.`;
      return { refused: 'environments_limit_reached', detail };
    }
    const servers = Object.keys(request.mcp_servers ?? {}).length;
    const ports = request.ports?.length ?? 0;
    return (
      boundRefusal('mcp_servers', servers, 'MAX_MCP_SERVERS', this.#settings) ??
      boundRefusal('ports', ports, 'MAX_PORTS_PER_SESSION', this.#settings) ??
      (request.image === undefined ? null : imageRefusal(this.#settings, request.image, 'image'))
    );
  }

  #view(known: Known): EnvironmentView {
    const { name, shared, revision, request } = known;
    const times = known.shared
      ? { created_at: null, updated_at: null }
      : { created_at: new Date(known.created).toISOString(), updated_at: new Date(known.updated).toISOString() };
    return { name, shared, revision, ...times, ...request, last_build: this.#builds.newest(name) };
  }
}

/** More of one thing than a session may have. 0: any number. */
function boundRefusal(
  path: string,
  count: number,
  bound: 'MAX_MCP_SERVERS' | 'MAX_PORTS_PER_SESSION',
  settings: EdgeSettings,
): Refusal | null {
  const most = settings[bound];
  if (most === 0 || count <= most) return null;
  const message = `must be at most ${most}, the operator’s ${bound}, and are ${count}`;
  return { refused: 'invalid_request', detail: `${path}: ${message}`, errors: [{ path, message }] };
}

async function revisionsOf(shared: EdgeSettings['ENVIRONMENTS']): Promise<ReadonlyMap<string, string>> {
  const all = Object.entries(shared).map(async ([name, request]): Promise<[string, string]> => [
    name,
    await revisionOf(request),
  ]);
  return new Map(await Promise.all(all));
}

/** Of equal content it is equal. */
async function revisionOf(request: EnvironmentRequest): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(canonicalJson(request)));
  return [...new Uint8Array(digest.slice(0, 6))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function notFound(name: string, path?: string): Refusal {
  const message = `There is no environment "${name}", of yours or of the operator’s.`;
  const detail = `${message} \`GET /api/v1/environments\` lists them.`;
  return { refused: 'environment_not_found', detail, ...(path !== undefined && { errors: [{ path, message }] }) };
}

const isShared = (name: string): Refusal => ({
  refused: 'environment_shared',
  detail: `The environment "${name}" is the operator’s (ENVIRONMENTS). One of your own by this name is used in its place.`,
});

const buildNotFound = (name: string): Refusal => ({
  refused: 'build_not_found',
  detail: `The environment "${name}" has no build with this id, or no longer: the newest 20 are kept. \`GET /api/v1/environments/${name}/builds\` lists them.`,
});

function withoutRepository(): Refusal {
  const path = 'config.environment';
  const message = `"${DEVCONTAINER}" is the environment of a repository: name one in workspace.git_repo or workspace.git`;
  return { refused: 'invalid_request', detail: `${path}: ${message}.`, errors: [{ path, message }] };
}
