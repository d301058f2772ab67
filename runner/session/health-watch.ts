import type { BackendHealth } from '../../protocol/link/runner-control.ts';
import type { Log } from '../lib/log.ts';

export interface HealthWatchOptions {
  backend: { health(): Promise<BackendHealth> };
  storage: { health(): Promise<BackendHealth> };
  /** Called after each check, before `onChange`. */
  onChecked: (backend: BackendHealth) => Promise<void>;
  onChange: (backend: BackendHealth, storage: BackendHealth) => void;
  log: Log;
}

/** Checks the health of the backend and the storage from time to time, and reports each change. */
export class HealthWatch {
  readonly #options: HealthWatchOptions;
  #backend: BackendHealth = { ok: false, detail: 'The backend was not asked yet.' };
  #storage: BackendHealth = { ok: false, detail: 'The storage was not asked yet.' };
  #timer: NodeJS.Timeout | undefined;
  #checking = false;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
  }

  get backend(): BackendHealth {
    return this.#backend;
  }

  get storage(): BackendHealth {
    return this.#storage;
  }

  /** The first check, which reports no change. */
  async init(): Promise<void> {
    [this.#backend, this.#storage] = await this.#ask();
    if (!this.#backend.ok) this.#options.log.warn('backend not ready', { detail: this.#backend.detail });
  }

  /** Checks again and again, with `everyMs` in between. */
  start(everyMs: number): void {
    this.#timer = setInterval(() => this.check(), everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Checks now. There is one check at a time: a storage that is away may take long to fail. */
  check(): void {
    if (this.#checking) return;
    this.#checking = true;
    this.#check()
      .catch((error: unknown) => this.#options.log.error('health not checked', { error }))
      .finally(() => (this.#checking = false));
  }

  async #check(): Promise<void> {
    const { onChecked, onChange, log } = this.#options;
    const [backend, storage] = await this.#ask();
    await onChecked(backend);
    const backendChanged = !isSame(backend, this.#backend);
    const storageChanged = !isSame(storage, this.#storage);
    if (!backendChanged && !storageChanged) return;
    if (backendChanged) log[backend.ok ? 'info' : 'warn']('backend health', { ...backend });
    if (storageChanged) log[storage.ok ? 'info' : 'warn']('storage health', { ...storage });
    this.#backend = backend;
    this.#storage = storage;
    onChange(backend, storage);
  }

  #ask(): Promise<[BackendHealth, BackendHealth]> {
    const { backend, storage } = this.#options;
    return Promise.all([backend.health(), storage.health()]);
  }
}

const isSame = (one: BackendHealth, other: BackendHealth) => one.ok === other.ok && one.detail === other.detail;
