import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { v7 as uuidV7 } from 'uuid';
import * as z from 'zod';
import {
  discordAskRequest,
  discordInteraction,
  discordLinkCode,
  discordLinks,
  discordNotified,
  discordNotifyRequest,
  discordQuestion,
  INTERACTION,
  PONG,
  type DiscordPersonal,
} from '../../protocol/api/discord.ts';
import { discordNotConfigured, isDiscordReady, type DiscordUse } from '../../protocol/settings/discord-settings.ts';
import { uuid } from '../../protocol/ids.ts';
import type { InteractionView } from '../../protocol/api/session/interaction.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { deskStub } from '../../durable/rpc/edge-env.ts';
import type { AppEnv } from '../app-env.ts';
import { BODY_TOO_LARGE, bodyTimeout, parseJson, readBody } from '../body.ts';
import { securedFor, type Declared } from '../auth/authorise.ts';
import { body, idempotencyHeader, json, refusals } from '../contract.ts';
import { refuse } from '../refuse.ts';
import { sharedState } from '../gate/shared-state.ts';
import { answerInTime } from './answer-in-time.ts';
import { MAX_SKEW_SECONDS, verifyDiscord } from './verify.ts';

const deskOf = (c: Pick<Context<AppEnv>, 'env'>) => deskStub(c.env);

/** Discord's signed webhook: commands, buttons, menus and modals. */
export const discordInteractions = new Hono<AppEnv>().post('/interactions', async (c) => {
  const settings = c.get('settings');
  if (!isDiscordReady(settings, 'interactions')) return refuse(c, notConfigured(c, 'interactions'));
  // The raw bytes: nothing may be parsed before the signature is checked.
  const raw = await readBody(c.req.raw, settings.BODY_TIMEOUT);
  if (raw === 'too large') return refuse(c, BODY_TOO_LARGE);
  if (raw === 'too slow') return refuse(c, bodyTimeout(settings.BODY_TIMEOUT));
  const { headers } = c.req.raw;
  const verified = await verifyDiscord({ headers, body: raw }, settings.DISCORD_PUBLIC_KEY, Date.now());
  if (!verified.verified) {
    console.warn(`discord: a request was refused: ${verified.fault}`);
    return refuse(c, {
      refused: 'signature_invalid',
      detail: 'The request is not signed by Discord, or not just now.',
    });
  }
  const interaction = discordInteraction.safeParse(parseJson(raw));
  if (!interaction.success) {
    return refuse(c, {
      refused: 'invalid_request',
      detail: `Not an interaction that is known here: ${z.prettifyError(interaction.error)}`,
    });
  }
  const { data } = interaction;
  if (data.type === INTERACTION.ping) return c.json(PONG);
  if (data.application_id !== settings.DISCORD_APPLICATION_ID) {
    return refuse(c, { refused: 'signature_invalid', detail: 'The request is for another application.' });
  }
  if (!(await isNew(c, data))) return c.json(DONE_ALREADY);
  return c.json(await answerInTime(deskOf(c).interact(data), data));
});

/**
 * Whether this signed request comes for the first time, as far as Redis knows. The desk knows it too, by the same id, and needs
 * no Redis for that; with one, a request that is sent again does not get as far. Completions change nothing.
 */
async function isNew(c: Context<AppEnv>, { type, id }: DiscordPersonal): Promise<boolean> {
  const { seen } = sharedState(c.env, c.get('settings'));
  if (type === INTERACTION.autocomplete || seen === null) return true;
  // Its timestamp may be as much ahead of our clock as behind it.
  return await seen.first(`discord/${id}`, 2 * MAX_SKEW_SECONDS);
}

/** A message (4) that only the person sees (64). */
const DONE_ALREADY = { type: 4, data: { content: 'That was done already.', flags: 64 } };

/** What a route of Discord's declares: the scopes, and what of Discord has to be configured. */
function onDiscord(use: DiscordUse, ...declared: Declared) {
  const { middleware, ...secured } = securedFor('owner', ...declared);
  const ready: MiddlewareHandler<AppEnv> = async (c, next) =>
    isDiscordReady(c.get('settings'), use) ? next() : refuse(c, notConfigured(c, use));
  return { ...secured, middleware: [middleware, ready] as [typeof middleware, typeof ready] };
}

const notify = createRoute({
  method: 'post',
  path: '/discord/notify',
  operationId: 'notifyOnDiscord',
  tags: ['Discord'],
  summary: 'Say something in the Discord channel; it is stored, and said when Discord can be reached',
  ...onDiscord('notify', 'new work', 'sessions:write'),
  request: { headers: idempotencyHeader, ...body(discordNotifyRequest) },
  responses: {
    202: json('Taken', discordNotified),
    ...refusals('idempotency_key_reused', 'queue_full', 'discord_not_configured'),
  },
});

const ask = createRoute({
  method: 'post',
  path: '/discord/ask',
  operationId: 'askOnDiscord',
  tags: ['Discord'],
  summary:
    'Ask something in the Discord channel; `GET /discord/asks/{interaction_id}` has the answer once there is one',
  ...onDiscord('interactions', 'new work', 'sessions:write'),
  request: { headers: idempotencyHeader, ...body(discordAskRequest) },
  responses: {
    202: json('Asked', discordQuestion),
    ...refusals('idempotency_key_reused', 'queue_full', 'discord_not_configured'),
  },
});

const asked = createRoute({
  method: 'get',
  path: '/discord/asks/{interaction_id}',
  operationId: 'getDiscordQuestion',
  tags: ['Discord'],
  summary: 'What was asked over Discord, with its answer once there is one',
  ...onDiscord('interactions', 'sessions:read'),
  request: { params: z.object({ interaction_id: uuid }) },
  responses: {
    200: json('The question', discordQuestion),
    ...refusals('interaction_not_found', 'discord_not_configured'),
  },
});

// Who is linked may do all of that on Discord.
const link = createRoute({
  method: 'post',
  path: '/discord/link',
  operationId: 'createDiscordLinkCode',
  tags: ['Discord'],
  summary: 'A one-time code, good for ten minutes: `/claude link CODE` on Discord makes that account yours',
  ...onDiscord('interactions', 'goes on', 'sessions:read', 'sessions:write', 'interactions:answer'),
  responses: { 201: json('The code', discordLinkCode), ...refusals('discord_not_configured') },
});

const links = createRoute({
  method: 'get',
  path: '/discord/link',
  operationId: 'listDiscordLinks',
  tags: ['Discord'],
  summary: 'The Discord accounts that are yours',
  ...onDiscord('interactions', 'sessions:read'),
  responses: { 200: json('The accounts', discordLinks), ...refusals('discord_not_configured') },
});

const unlink = createRoute({
  method: 'delete',
  path: '/discord/link',
  operationId: 'deleteDiscordLinks',
  tags: ['Discord'],
  summary: 'No Discord account is yours any more',
  ...onDiscord('interactions', 'goes on', 'sessions:write'),
  responses: { 204: { description: 'Done' }, ...refusals('discord_not_configured') },
});

/** Discord for programs: notify, ask, and the links between accounts and owners. */
export function addDiscord(app: OpenAPIHono<AppEnv>): void {
  app.openapi(notify, async (c) => {
    const key = c.req.valid('header')['idempotency-key'];
    const refusal = await deskOf(c).notify(c.get('caller').owner, { key, input: c.req.valid('json') });
    return refusal === null ? c.json({ status: 'queued' as const }, 202) : refuse(c, refusal);
  });

  app.openapi(ask, async (c) => {
    const key = c.req.valid('header')['idempotency-key'];
    const question = await deskOf(c).ask(c.get('caller').owner, { id: uuidV7(), key, input: c.req.valid('json') });
    return 'refused' in question ? refuse(c, question) : c.json(shown(question), 202);
  });

  app.openapi(asked, async (c) => {
    const question = await deskOf(c).asked(c.get('caller').owner, c.req.valid('param').interaction_id.toLowerCase());
    return 'refused' in question ? refuse(c, question) : c.json(shown(question), 200);
  });

  app.openapi(link, async (c) => {
    return c.json(await deskOf(c).mintCode(c.get('caller').owner), 201);
  });

  app.openapi(links, async (c) => c.json({ users: [...(await deskOf(c).linked(c.get('caller').owner))] }, 200));

  app.openapi(unlink, async (c) => {
    await deskOf(c).unlink(c.get('caller').owner);
    return c.body(null, 204);
  });
}

function shown({ session_id: _session, detached: _detached, ...question }: InteractionView) {
  return question;
}

function notConfigured(c: Context<AppEnv>, use: DiscordUse): Refusal {
  const detail = discordNotConfigured(c.get('settings'), use) ?? 'Discord is not configured.';
  return { refused: 'discord_not_configured', detail };
}
