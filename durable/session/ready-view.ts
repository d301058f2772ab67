import type { JsonText } from '../../protocol/json-text.ts';
import type { EdgeEnv } from '../rpc/edge-env.ts';
import { giveView, takeViewBack } from '../rpc/session/ready-views.ts';
import type { StoredSessionView } from '../rpc/session/views.ts';
import type { SessionIdentity } from './core/identity.ts';

/** The session's view, as far as the handlers of this process may show it without a call (`rpc/ready-views.ts`). */
export class ReadyView {
  readonly #ctx: DurableObjectState;
  readonly #isAlone: boolean;
  #changes = 0;

  constructor(ctx: DurableObjectState, { RUNTIME }: EdgeEnv) {
    this.#ctx = ctx;
    this.#isAlone = RUNTIME === 'workerd';
  }

  /** Somebody was shown this. It may be shown again until the session changes. */
  shown({ session_id, owner }: SessionIdentity, text: JsonText<StoredSessionView>): void {
    if (!this.#isAlone) return;
    const changes = this.#changes;
    const give = async () => {
      // An object's own answer waits for this too: what is not on the disk yet may still be lost.
      await this.#ctx.storage.sync();
      if (changes === this.#changes) giveView(session_id, { owner, text });
    };
    this.#ctx.waitUntil(give());
  }

  /** The session has changed, or is deleted. To be called in the same step. */
  changed({ session_id }: SessionIdentity): void {
    this.#changes += 1;
    takeViewBack(session_id);
  }
}
