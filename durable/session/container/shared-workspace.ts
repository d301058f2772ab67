import type { Refusal } from '../../../protocol/api/problem.ts';
import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';
import { inheritsFrom, type SessionIdentity } from '../core/identity.ts';
import { shareOf, type Host } from '../core/shared-files.ts';
import type { Peers } from '../store/peers.ts';
import type { SessionStore } from '../store/store.ts';

/** For a session that works in another one's files: asks that one whether it may, and reports when it does. */
export class SharedWorkspace implements Outgoing {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #call: RetryingCall;

  /** @param retry asked to have `send` called at `nextTry` */
  constructor(ctx: DurableObjectState, store: SessionStore, peers: Peers, retry: () => void) {
    this.#store = store;
    this.#peers = peers;
    const call = { isDue: () => this.#isDue(), send: () => this.#report(), retry };
    this.#call = new RetryingCall({ ctx, whom: 'the session whose files are shared', ...call });
  }

  nextTry(): number | null {
    return this.#call.nextTry();
  }

  /** Reports to the session whose files this one works in that it does, or no longer does. */
  send(): void {
    this.#call.send();
  }

  /** The session whose files this one works in, and its answer whether this one may; null: it has its own files. */
  async ask(): Promise<Host | null> {
    const { identity } = this.#store.current;
    const of = inheritsFrom(identity);
    return of === null ? null : { of, answer: await this.#peers.session(of).shareFiles(identity.owner) };
  }

  /** Why no child may be created that works where this session does; null: it may. */
  async spawnRefusal(): Promise<Refusal | null> {
    const { state, files } = this.#store.current;
    const { answer } = (await this.ask()) ?? { answer: shareOf(state, files) };
    if (answer.share !== 'no') return null;
    const detail =
      'The session whose files they are has no container that a child could work beside. Send it a message, so that it wakes, and spawn again; ' +
      'or spawn with {"workspace": {"type": "clone"}}, so that the child works in a copy.';
    return { refused: 'files_unavailable', detail };
  }

  /** The session is being deleted: from now on it works in no other session's files. */
  async detach(): Promise<void> {
    const { identity } = this.#store.current;
    const of = inheritsFrom(identity);
    if (of !== null) await this.#peers.session(of).sharedBy(identity.session_id, false);
  }

  async #report(): Promise<void> {
    const { identity } = this.#store.current;
    const of = inheritsFrom(identity);
    const reported = this.#shares();
    if (of !== null) await this.#peers.session(of).sharedBy(identity.session_id, reported);
    this.#store.changeIfPresent((tx) => {
      tx.record = { ...tx.record, sharing: { ...tx.record.sharing, reported } };
    });
  }

  #isDue(): boolean {
    const { record } = this.#store;
    return record !== null && inheritsFrom(record.identity) !== null && this.#shares() !== record.sharing.reported;
  }

  /** A container of this session may be at work. */
  #shares(): boolean {
    const { container } = this.#store.current.state;
    return container === 'launched' || container === 'ready' || container === 'ending';
  }
}

/** Why the files of a session that works in another one's cannot be had from it; null: they are its own. */
export function filesElsewhere(identity: SessionIdentity): Refusal | null {
  const of = inheritsFrom(identity);
  if (of === null) return null;
  const detail =
    `This session has no files of its own: it works in those of the session ${of}. Ask that one for them: GET /api/v1/sessions/${of}/files, ` +
    `POST /api/v1/sessions/${of}/snapshots, POST /api/v1/sessions/${of}/fork.`;
  return { refused: 'files_unavailable', detail };
}
