import type { Refusal } from '../../../protocol/api/problem.ts';
import { lowDisk } from '../../rpc/edge-disk.ts';
import { deskStub, directoryStub, gateStub, poolStub, sessionStub, type EdgeEnv } from '../../rpc/edge-env.ts';
import type { SessionStore } from './store.ts';

/** The other objects that a session calls. */
export class Peers {
  readonly #env: EdgeEnv;
  readonly #store: SessionStore;

  constructor(env: EdgeEnv, store: SessionStore) {
    this.#env = env;
    this.#store = store;
  }

  /** The directory of the session's owner. */
  get directory() {
    return directoryStub(this.#env, this.#store.current.identity.owner);
  }

  /** The pool of runners that the session is in. */
  get pool() {
    return poolStub(this.#env, this.#store.current.identity.request.config.runner?.pool);
  }

  get gate() {
    return gateStub(this.#env);
  }

  get desk() {
    return deskStub(this.#env);
  }

  session(id: string) {
    return sessionStub(this.#env, id);
  }

  /** Why no new work is taken; null: it is. */
  lowDisk(): Promise<Refusal | null> {
    return lowDisk(this.#env);
  }

  /** The name of the owner's part of every storage. */
  get storageOwner(): string {
    return this.#env.DIRECTORY.idFromName(this.#store.current.identity.owner).toString();
  }
}
