import type { InteractionState, InteractionView, ResolveRequest } from '../../protocol/api/session/interaction.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { jsonText } from '../../protocol/json-text.ts';
import { isAsked, notAsked } from '../shared/interactions/answerers.ts';
import { interactionViewOf } from '../shared/interactions/interaction-view.ts';
import type { SessionStore } from './store/store.ts';
import type { InteractionPage, LinkedInteraction } from '../rpc/session/views.ts';
import { settingsOf } from './core/settings/live-settings.ts';
import type { SessionRecord } from './store/record.ts';

const UNKNOWN_INTERACTION: Refusal = {
  refused: 'interaction_not_found',
  detail: 'This session has asked nothing with this id.',
};

/**
 * The calls of people about a session's interactions. The owner sees all of them. The people in the config's
 * `answerers` see those that they may answer. For anybody else each call returns null: they must not learn that the
 * session exists.
 */
export class SessionInteractions {
  readonly #store: SessionStore;

  constructor(store: SessionStore) {
    this.#store = store;
  }

  /** A page of interactions, the oldest first. `cursor` is the id of the last interaction on the page before. */
  list(
    person: string,
    state: InteractionState | undefined,
    limit: number,
    cursor: string | undefined,
  ): InteractionPage | null {
    const record = this.#recordFor(person);
    if (record === null) return null;
    const { session_id, owner } = record.identity;
    const asked = person === owner ? null : person;
    const page = this.#store.interactions.page({ state, asked, limit, cursor });
    const data = page.data.map((one) => interactionViewOf(one, session_id));
    return { data, next_cursor: page.next_cursor };
  }

  show(person: string, id: string): InteractionView | Refusal | null {
    const record = this.#recordFor(person);
    if (record === null) return null;
    const { session_id, owner } = record.identity;
    const found = this.#store.interactions.get(id);
    if (found === null) return UNKNOWN_INTERACTION;
    return person === owner || isAsked(found, person) ? interactionViewOf(found, session_id) : notAsked(found);
  }

  /** An interaction for whoever has the link that answers it, and in whose name that is. */
  linked(id: string): LinkedInteraction | Refusal | null {
    const { record } = this.#store;
    if (record === null) return null;
    const { identity, live } = record;
    const view = this.show(identity.owner, id);
    if (view === null || 'refused' in view) return view;
    return { owner: identity.owner, title: settingsOf(identity, live).title, view: jsonText(view) };
  }

  /** Answers an interaction. The first answer wins: the same answer again changes nothing, a different one is refused. */
  resolve(person: string, id: string, request: ResolveRequest): InteractionView | Refusal | null {
    const record = this.#recordFor(person);
    if (record === null) return null;
    const resolved = this.#store.change((tx) => tx.interactions.resolve(id, request, person));
    if (resolved === null) return UNKNOWN_INTERACTION;
    return 'refused' in resolved ? resolved : interactionViewOf(resolved, record.identity.session_id);
  }

  #recordFor(person: string): SessionRecord | null {
    const { record } = this.#store;
    if (record === null) return null;
    const { owner, request } = record.identity;
    return person === owner || request.config.answerers.includes(person) ? record : null;
  }
}
