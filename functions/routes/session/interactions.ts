import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import {
  interactionList,
  interactionState,
  interactionView,
  resolveRequest,
} from '../../../protocol/api/session/interaction.ts';
import type { AppEnv } from '../../app-env.ts';
import { secured } from '../../auth/authorise.ts';
import { body, interactionParams, json, pageQuery, refusals, sessionParams } from '../../contract.ts';
import { askingSessionOf } from '../../objects.ts';
import { audited } from '../../gate/audit.ts';
import { refuse } from '../../refuse.ts';

const list = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/interactions',
  operationId: 'listInteractions',
  tags: ['Interactions'],
  summary: 'What the agent asks people, and has asked: questions and permissions, the oldest first',
  ...secured('sessions:read'),
  request: { params: sessionParams, query: pageQuery(z.uuid()).extend({ state: interactionState.optional() }) },
  responses: { 200: json('A page', interactionList), ...refusals() },
});

const show = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/interactions/{interaction_id}',
  operationId: 'getInteraction',
  tags: ['Interactions'],
  summary: 'One question or permission, with its answer once there is one',
  ...secured('sessions:read'),
  request: { params: interactionParams },
  responses: {
    200: json('The question or permission', interactionView),
    ...refusals('interaction_not_found', 'not_your_question'),
  },
});

const resolve = createRoute({
  method: 'post',
  path: '/sessions/{session_id}/interactions/{interaction_id}/resolve',
  operationId: 'answerInteraction',
  tags: ['Interactions'],
  summary: 'Answer: the first answer wins, the same again is fine; a parked session wakes with it',
  ...audited('interaction.answered', secured('interactions:answer')),
  request: { params: interactionParams, ...body(resolveRequest) },
  responses: {
    200: json('Answered so', interactionView),
    ...refusals('interaction_not_found', 'interaction_closed', 'not_your_question', 'answer_invalid'),
  },
});

/** Interactions: list, show, resolve. */
export function addInteractions(app: OpenAPIHono<AppEnv>): void {
  app.openapi(list, async (c) => {
    const found = await askingSessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const { state, limit, cursor } = c.req.valid('query');
    const page = await session.interactions(c.get('caller').owner, state, limit, cursor);
    return 'refused' in page ? refuse(c, page) : c.json(page, 200);
  });

  app.openapi(show, async (c) => {
    const found = await askingSessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const view = await session.interaction(c.get('caller').owner, c.req.valid('param').interaction_id);
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });

  app.openapi(resolve, async (c) => {
    const found = await askingSessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const request = c.req.valid('json');
    const view = await session.resolve(c.get('caller').owner, c.req.valid('param').interaction_id, request);
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });
}
