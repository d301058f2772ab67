import { SignJWT } from 'jose';
import type { EdgeSettings } from '../../../protocol/settings/edge-settings.ts';
import { TokenType } from '../../../protocol/token.ts';
import { signingKey } from '../../../protocol/token-keys.ts';
import { isAsked } from '../../shared/interactions/answerers.ts';
import type { Receiver } from '../../shared/webhooks/receiver.ts';
import type { Post } from '../core/webhooks/message.ts';
import type { SessionStore } from '../store/store.ts';
import type { Delivery } from '../store/webhooks/delivery-table.ts';

const ASKS = ['interaction.opened', 'interaction.reminded'];

/**
 * The link with which whoever gets a post answers what it asks, as the session's owner; null: it asks nothing (any more), or not
 * the owner, or its receiver gets no links. It ends with what is asked.
 */
export async function answerLink(
  store: SessionStore,
  { type, time, json }: Pick<Delivery, 'type' | 'time' | 'json'>,
  { origin, answer_links = true }: Receiver,
): Promise<Post['answer']> {
  const at = store.settings.PUBLIC_URL ?? origin;
  if (!answer_links || at === undefined || !ASKS.includes(type)) return null;
  const { interaction_id } = JSON.parse(json) as { interaction_id: string };
  const { session_id, owner } = store.current.identity;
  const interaction = store.interactions.get(interaction_id);
  if (interaction === null || interaction.state !== 'open' || !isAsked(interaction, owner)) return null;
  const { deadline } = interaction;
  const token = await answerToken(store.settings, { session_id, interaction_id, time, deadline });
  return { url: `${at}/answer/${token}`, expires_at: new Date(deadline).toISOString() };
}

/** The same facts make the same token, so that a post that is tried again is the same. */
async function answerToken(
  settings: Pick<EdgeSettings, 'JWT_SECRET'>,
  facts: {
    readonly session_id: string;
    readonly interaction_id: string;
    readonly time: number;
    readonly deadline: number;
  },
): Promise<string> {
  return new SignJWT({ iid: facts.interaction_id })
    .setProtectedHeader({ alg: 'HS256', typ: TokenType.answer })
    .setSubject(facts.session_id)
    .setIssuedAt(new Date(facts.time))
    .setExpirationTime(new Date(facts.deadline))
    .sign(await signingKey(settings, 'answer'));
}
