import { Hono, type Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { gateStub, sessionStub } from '../../durable/rpc/edge-env.ts';
import { PROBLEMS, type Refusal } from '../../protocol/api/problem.ts';
import { resolveRequest, type InteractionView, type ResolveRequest } from '../../protocol/api/session/interaction.ts';
import type { AppEnv } from '../app-env.ts';
import { verifyAnswer } from '../auth/token.ts';
import { BODY_TOO_LARGE, bodyTimeout, parseJson, readBody } from '../body.ts';
import { addressOf } from '../gate/address.ts';
import { knownOverFailedTokens, overFailedTokens } from '../gate/limits.ts';
import { ifTokenRevoked } from '../gate/revocations.ts';
import { refuse } from '../refuse.ts';
import { answeredPage, askingPage, closedPage, type Linked } from '../web/answer-page.ts';
import { noticePage, type Html } from '../web/plain-page.ts';
import { readAnswerForm } from './answer-form.ts';

/** Longest form, bytes: as long as the longest answers. */
const MAX_FORM_BYTES = 1024 * 1024;

/**
 * Browsers send the page's own origin with its form only if it may be sent as a referrer; `withKnownOrigin` wants it. Elsewhere
 * the link, which is in the referrer, goes not.
 */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'same-origin',
  'x-robots-tag': 'noindex',
};

type C = Context<AppEnv>;

/**
 * The link in a webhook's post that answers what it asks, in the name of the session's owner. A `GET` only shows a page: what
 * makes previews of links fetches them. The page's form, or a program, posts the answer. The link ends with what is asked.
 */
export const answerLinks = new Hono<AppEnv>()
  .get('/:token', async (c) => {
    const found = await linked(c);
    if ('refused' in found) return refused(c, found);
    return showLinked(c, found);
  })
  .post('/:token', async (c) => {
    const found = await linked(c);
    if ('refused' in found) return refused(c, found);
    const request = await answerIn(c, found);
    if ('refused' in request) return unfit(c, found, request);
    const { owner, view } = found;
    const { session_id, interaction_id } = view;
    const answered = await sessionStub(c.env, session_id).resolve(owner, interaction_id, request);
    if ('refused' in answered) return unfit(c, found, answered);
    const entry = { time: Date.now(), actor: owner, action: 'interaction.answered', target: session_id } as const;
    await gateStub(c.env).record({ ...entry, address: addressOf(c), detail: `link ${interaction_id}` });
    return wantsPage(c) ? shown(c, answeredPage(), 200) : c.json(answered, 200);
  });

/** What the link answers, if it is one of ours and its owner's tokens are not revoked. */
async function linked(c: C): Promise<Linked | Refusal> {
  const over = knownOverFailedTokens(c);
  if (over !== null) return over;
  const verified = await verifyAnswer(c.req.param('token') ?? '', c.get('settings'));
  if ('refused' in verified) return (await overFailedTokens(c)) ?? LINK_INVALID;
  const { sub, iid, iat } = verified.claims;
  const found = await askedBy(c, sub, iid);
  if ('refused' in found) return LINK_INVALID;
  c.set('owner', found.owner);
  const revoked = await ifTokenRevoked(c, { jti: null, sub: found.owner, issued: iat * 1000 });
  return revoked === null ? found : LINK_INVALID;
}

async function askedBy(c: C, sessionId: string, id: string): Promise<Linked | Refusal> {
  const found = await sessionStub(c.env, sessionId.toLowerCase()).linked(id);
  return 'refused' in found ? found : { ...found, view: JSON.parse(found.view) as InteractionView };
}

/** The answer in the body: a form, or JSON as `POST …/resolve` takes it. */
async function answerIn(c: C, { view }: Linked): Promise<ResolveRequest | Refusal> {
  const { BODY_TIMEOUT } = c.get('settings');
  const raw = await readBody(c.req.raw, BODY_TIMEOUT, MAX_FORM_BYTES);
  if (raw === 'too large') return BODY_TOO_LARGE;
  if (raw === 'too slow') return bodyTimeout(BODY_TIMEOUT);
  const isJson = c.req.header('content-type')?.startsWith('application/json') === true;
  const request = isJson
    ? (resolveRequest.safeParse(parseJson(raw)).data ?? null)
    : readAnswerForm(view.subject, new URLSearchParams(new TextDecoder().decode(raw)));
  return request ?? { refused: 'answer_invalid', detail: 'That is no answer to what is asked.' };
}

/** An answer that is none: the form again, with what is wrong; or what has become of the question meanwhile. */
async function unfit(c: C, found: Linked, refusal: Refusal): Promise<Response> {
  if (!wantsPage(c)) return refuse(c, refusal);
  if (refusal.refused === 'answer_invalid') return shown(c, askingPage(found, refusal.detail), 422);
  if (refusal.refused !== 'interaction_closed') return refused(c, refusal);
  const { session_id, interaction_id } = found.view;
  const now = await askedBy(c, session_id, interaction_id);
  return 'refused' in now ? refused(c, LINK_INVALID) : shown(c, closedPage(now.view), 409);
}

function showLinked(c: C, found: Linked): Response | Promise<Response> {
  const { view } = found;
  if (!wantsPage(c)) return c.json(view, 200);
  return view.state === 'open' ? shown(c, askingPage(found, null), 200) : shown(c, closedPage(view), 410);
}

function refused(c: C, refusal: Refusal): Response | Promise<Response> {
  if (!wantsPage(c)) return refuse(c, refusal);
  const [status, title] = PROBLEMS[refusal.refused];
  c.set('refused', refusal.refused);
  return shown(c, noticePage(title, refusal.detail), status);
}

/** Browsers name it; programs take JSON. */
const wantsPage = (c: C) => c.req.header('accept')?.includes('text/html') === true;

function shown(c: C, page: Html, status: ContentfulStatusCode): Response | Promise<Response> {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) c.header(name, value);
  return c.html(page, status);
}

const LINK_INVALID: Refusal = {
  refused: 'link_invalid',
  detail: 'The link is not one of ours, or what it answers is over. The session itself can still be asked.',
};
