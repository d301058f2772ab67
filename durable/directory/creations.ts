import type { EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { poolRefusal } from '../../protocol/settings/pools-setting.ts';
import type { Prompt } from '../../protocol/content/blocks.ts';
import type { SessionConfig } from '../../protocol/api/session/session-config.ts';
import { receiverOf, type Receiver } from '../shared/webhooks/receiver.ts';
import type { CreateSessionRequest } from '../../protocol/api/session/session.ts';
import type { ChildCreation, Creation, Spawned } from '../rpc/session/creation.ts';
import type { CreateInput } from '../rpc/directory/creation-input.ts';
import { sessionStub, type EdgeEnv } from '../rpc/edge-env.ts';
import type { StoredSessionView, VersionedSummary } from '../rpc/session/views.ts';
import type { Beginning } from '../shared/trees.ts';
import type { Environments } from './environments/environments.ts';
import { CreationEnvironments } from './environments/creation-environments.ts';
import { CreationTimes } from './tables/creation-times.ts';
import { IdempotencyKeys } from './tables/idempotency-keys.ts';
import { PromptTable } from './tables/prompt-table.ts';
import type { SessionList } from './session-list.ts';
import type { OwnerStorage } from './storage.ts';
import type { OwnerTree } from './tree.ts';

/** How a session is created. It is stored, because the call that creates the `Session` may have to be repeated. */
interface Begun {
  readonly request: CreateSessionRequest;
  readonly beginning: Beginning;
  readonly creation: Omit<Creation, 'prompt' | 'environment' | 'spawn'> & { readonly spawn: StoredSpawn | null };
}

/** What a child's parent fixed. Version 0.1 stored the text of its first prompt with it. */
type StoredSpawn = ChildCreation & { readonly prompt?: string };

export interface Reservation extends CreateInput {
  /** Null: no session's child. */
  readonly child: ChildCreation | null;
  /** A child's first prompt; null: it is no child. */
  readonly prompt: Prompt | null;
  /** The caller's request as text, which is kept with the key. */
  readonly asked: string;
}

interface Dependencies {
  readonly sql: SqlStorage;
  readonly settings: EdgeSettings;
  readonly env: EdgeEnv;
  readonly list: SessionList;
  readonly storage: OwnerStorage;
  readonly tree: OwnerTree;
  readonly environments: Environments;
}

/** Creates sessions in two steps: it reserves a place among the owner's sessions, then calls the new `Session`. */
export class Creations {
  readonly #deps: Dependencies;
  readonly #keys: IdempotencyKeys;
  readonly #prompts: PromptTable;
  readonly #times: CreationTimes;
  readonly #kept: CreationEnvironments;

  constructor(deps: Dependencies) {
    this.#deps = deps;
    this.#keys = new IdempotencyKeys(deps.sql);
    this.#prompts = new PromptTable(deps.sql);
    this.#times = new CreationTimes(deps.sql);
    this.#kept = new CreationEnvironments(deps.sql);
    deps.sql.exec('CREATE TABLE IF NOT EXISTS begun (id TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID');
  }

  /** The session that this key created from the same request; null: none yet. */
  find(key: string, asked: string): string | Refusal | null {
    return this.#keys.find(key, asked, Date.now());
  }

  /** Reserves a place. The answer is the session's id: that of an earlier call, when the key or the id has come before. */
  reserve({
    session_id,
    owner,
    request: input,
    idempotency_key: key,
    origin,
    fork,
    author,
    traceparent,
    child,
    prompt,
    asked,
    inherited,
  }: Reservation): string | Refusal {
    const { sql, settings, list, storage, tree, environments } = this.#deps;
    const now = Date.now();
    const existing = key === undefined ? null : this.find(key, asked);
    if (existing !== null) return existing;
    // The caller's first call was cut off, and this is its second.
    if (list.has(session_id)) return session_id;
    const { callback: wanted, ...config } = input.config;
    const callback = this.#callbackOf(wanted, origin);
    if (callback !== null && 'refused' in callback) return callback;
    const full = child === null ? this.#refusal(now) : this.spawnRefusal(child.parent);
    if (full !== null) return full;
    const set = environments.begin({ ...input, config }, inherited);
    if ('refused' in set) return set;
    const { request, environment } = set;
    const outside = poolRefusal(settings, owner, request.config.runner?.pool);
    if (outside !== null) return outside;
    const begun = storage.begin(session_id, request, fork ?? null);
    if ('refused' in begun) return begun;
    const active = list.active().length;
    const limit = settings.MAX_SESSIONS_PER_USER;
    if (active >= limit) {
      const detail = `You have ${active} sessions waiting or running, and ${limit} are allowed (MAX_SESSIONS_PER_USER). Stop or delete one.`;
      return { refused: 'session_limit_reached', detail };
    }
    list.add(session_id);
    if (settings.MAX_SESSIONS_PER_HOUR > 0) this.#times.add(now);
    const permit = tree.add(session_id, child?.parent ?? null, request.config.budget_usd);
    const named = {
      ...(author && { author }),
      ...(origin !== undefined && { origin }),
      ...(traceparent !== undefined && { traceparent }),
    };
    const stored: Begun = { ...begun, creation: { permit, spawn: child, ...named, ...(callback && { callback }) } };
    sql.exec('INSERT INTO begun (id, json) VALUES (?, ?)', session_id, JSON.stringify(stored));
    if (prompt !== null) this.#prompts.add(session_id, prompt);
    if (environment !== null) this.#kept.add(session_id, environment);
    storage.keepBeginning(session_id, begun.beginning);
    if (key !== undefined) this.#keys.add(key, session_id, asked, now);
    return session_id;
  }

  /** The receiver that a session's `config.callback` names; null: it names none. */
  #callbackOf(callback: SessionConfig['callback'], origin: string | undefined): Receiver | Refusal | null {
    if (callback === undefined) return null;
    const { type: _webhook, ...target } = callback;
    const random = crypto.getRandomValues(new Uint8Array(32));
    const allow = this.#deps.settings.WEBHOOK_ALLOW;
    const made = receiverOf(target, { path: 'config.callback.', origin, allow, random });
    return 'refused' in made ? made : made.receiver;
  }

  /** Why a session may not have one more child; null: it may. */
  spawnRefusal(parentId: string): Refusal | null {
    if (this.#deps.list.has(parentId)) return this.#deps.tree.refusal(parentId) ?? this.#refusal(Date.now());
    return { refused: 'session_not_found', detail: 'The session that was to have a child is deleted.' };
  }

  /** Why the owner may not create one more session, whoever asks for it; null: one may be created. */
  #refusal(now: number): Refusal | null {
    const { settings, list, storage } = this.#deps;
    const { MAX_STORED_SESSIONS_PER_USER: most, MAX_SESSIONS_PER_HOUR: hourly } = settings;
    const stored = list.count();
    if (most > 0 && stored >= most) {
      const detail = `You have ${stored} sessions, parked ones included, and ${most} are allowed (MAX_STORED_SESSIONS_PER_USER). Delete one.`;
      return { refused: 'session_limit_reached', detail };
    }
    const next = hourly === 0 ? null : this.#times.nextAt(hourly, now);
    if (next === null) return storage.quota.refusal();
    const retry_after_seconds = Math.ceil((next - now) / 1000);
    const detail = `You have created ${hourly} sessions within an hour, as many as are allowed (MAX_SESSIONS_PER_HOUR). The next one can be created in ${retry_after_seconds} s; those that there are take messages meanwhile.`;
    return { refused: 'session_rate_reached', detail, retry_after_seconds };
  }

  /** Creates the `Session` of a reserved place. One that exists already stays as it is. */
  async create(id: string, owner: string): Promise<{ view: StoredSessionView; listed: VersionedSummary }> {
    const { request, beginning, creation } = this.#begun(id);
    const { facts: spawn, text } = creation.spawn === null ? { facts: null } : split(creation.spawn);
    const prompt = this.#prompts.get(id) ?? text;
    const environment = this.#kept.get(id);
    const kept = { ...(prompt !== undefined && { prompt }), ...(environment && { environment }) };
    const call = { session_id: id, owner, request, beginning, creation: { ...creation, spawn, ...kept } };
    const created = await sessionStub(this.#deps.env, id).create(call);
    this.#prompts.remove(id);
    this.#kept.remove(id);
    return created;
  }

  /** The secret of a session's callback; undefined: it has none. */
  callbackSecretOf(id: string): string | undefined {
    return this.#begun(id).creation.callback?.secret;
  }

  /** What a child was created with. */
  childOf(id: string): Spawned['child'] {
    const { spawn } = this.#begun(id).creation;
    if (spawn === null) throw new Error('a key of a spawned session names one that was not spawned');
    return split(spawn).facts;
  }

  remove(id: string): void {
    this.#keys.removeOf(id);
    this.#prompts.remove(id);
    this.#kept.remove(id);
    this.#deps.sql.exec('DELETE FROM begun WHERE id = ?', id);
  }

  #begun(id: string): Begun {
    const { json } = this.#deps.sql.exec<{ json: string }>('SELECT json FROM begun WHERE id = ?', id).one();
    return JSON.parse(json) as Begun;
  }
}

function split({ prompt: text, ...facts }: StoredSpawn): { facts: ChildCreation; text?: string | undefined } {
  return { facts, text };
}
