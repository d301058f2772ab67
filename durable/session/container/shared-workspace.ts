import type { Refusal } from '../../../protocol/api/problem.ts';
import { shareOf, type Host } from '../core/shared-files.ts';
import type { EdgeEnv } from '../../rpc/edge-env.ts';
import type { SessionCore } from '../store/store.ts';
import type { SessionIdentity } from '../store/record.ts';
import { Teller } from '../../shared/retrying-call.ts';

/** A session that works in another's files asks that one whether it may, and keeps it told that it does. */
export class SessionSharing {
  readonly #env: EdgeEnv;
  readonly #core: SessionCore;
  readonly #teller: Teller;

  /** @param retry asked to have `tell` called at `nextTry` */
  constructor(ctx: DurableObjectState, env: EdgeEnv, core: SessionCore, retry: () => void) {
    this.#env = env;
    this.#core = core;
    const parts = { isDue: () => this.#isDue(), tell: () => this.#tellOwner(), retry };
    this.#teller = new Teller({ ctx, whom: 'the session whose files are shared', ...parts });
  }

  nextTry(): number | null {
    return this.#teller.nextTry();
  }

  /** Tells the session in whose files this one works that it does, or does no longer. */
  tell(): void {
    this.#teller.tell();
  }

  /** The session in whose files this one works, with that one's word whether it may; null: it has its own. */
  async ask(): Promise<Host | null> {
    const { identity } = this.#core.current;
    const of = inheritsFrom(identity);
    return of === null ? null : { of, answer: await this.#session(of).shareFiles(identity.owner) };
  }

  /** Whether a child may be begun that works where this session does; null: it may. */
  async spawnRefusal(): Promise<Refusal | null> {
    const { state, files } = this.#core.current;
    const { answer } = (await this.ask()) ?? { answer: shareOf(state, files) };
    if (answer.share !== 'no') return null;
    const detail =
      'The session whose files they are has no container that a child could work beside. Send it a message, so that it wakes, and spawn again; ' +
      'or spawn with {"workspace": {"type": "clone"}}, so that the child works in a copy.';
    return { refused: 'files_unavailable', detail };
  }

  /** The session is being deleted: it works in nobody's files from now on. */
  async leave(): Promise<void> {
    const { identity } = this.#core.current;
    const of = inheritsFrom(identity);
    if (of !== null) await this.#session(of).sharedBy(identity.session_id, false);
  }

  async #tellOwner(): Promise<void> {
    const { identity } = this.#core.current;
    const of = inheritsFrom(identity);
    const shares = this.#shares();
    if (of !== null) await this.#session(of).sharedBy(identity.session_id, shares);
    if (this.#core.record === null) return;
    this.#core.change((draft) => {
      draft.record = { ...draft.record, sharing: shares };
    });
  }

  #isDue(): boolean {
    if (this.#core.record === null) return false;
    const { identity, sharing } = this.#core.record;
    return inheritsFrom(identity) !== null && this.#shares() !== sharing;
  }

  /** A container of its may be at work. */
  #shares(): boolean {
    const { container } = this.#core.current.state;
    return container === 'launched' || container === 'ready' || container === 'ending';
  }

  #session(id: string) {
    return this.#env.SESSION.get(this.#env.SESSION.idFromName(id));
  }
}

/** The session in whose files this one works; null: it has its own. */
export function inheritsFrom({ spawn }: SessionIdentity): string | null {
  return spawn?.inherits ?? null;
}

/** Why its files cannot be had from a session that works in another's; null: they are its own. */
export function filesElsewhere(identity: SessionIdentity): Refusal | null {
  const of = inheritsFrom(identity);
  if (of === null) return null;
  const detail =
    `This session has no files of its own: it works in those of the session ${of}. Ask that one for them: GET /api/v1/sessions/${of}/files, ` +
    `POST /api/v1/sessions/${of}/snapshots, POST /api/v1/sessions/${of}/fork.`;
  return { refused: 'files_unavailable', detail };
}
