import * as z from 'zod';
import { prompt } from '../../content/prompt.ts';
import { instant, uuid } from '../../ids.ts';
import { messageStatus, tokenUsage } from './message.ts';
import { childConfig, redisName } from './session-config.ts';
import { webhookCallback } from '../webhook.ts';
import { sessionStatus, sessionSummary, sessionTitle } from './session.ts';

/** Child sessions, and the tree of sessions. */

/**
 * Where a child works. `ephemeral`: in an empty folder. `clone`: in a copy of its parent's files as they are now.
 * `inherit`: in its parent's files themselves, beside it.
 */
export const childWorkspace = z.strictObject({ type: z.enum(['inherit', 'clone', 'ephemeral']) });

/**
 * Where a child's updates go besides its parent's stream. `webhook`: each `child.*` event, or those of `events`, is posted
 * to `url`, signed by Standard Webhooks (standardwebhooks.com) with `secret` (`whsec_` and base64) or with a secret that the answer
 * names, or in another `format`.
 * `pubsub`, from the seed: each is published on `channel` of Redis, absent: on the seed's, `session:PARENT:children`.
 */
const childCallback = z.discriminatedUnion('type', [
  webhookCallback,
  z.looseObject({ type: z.literal('pubsub'), channel: redisName.optional() }),
]);

/** `POST /sessions/{id}/spawn`. */
export const spawnRequest = z.strictObject({
  /** Text, or blocks: text, images and documents. */
  prompt,
  title: sessionTitle.optional(),
  workspace: childWorkspace.default({ type: 'ephemeral' }),
  config: childConfig.prefault({}),
  callback: childCallback.optional(),
});
export type SpawnRequest = z.infer<typeof spawnRequest>;

/** The answer to `POST /sessions/{id}/spawn`. */
export const spawnedSession = z.object({
  child_session_id: uuid,
  status: sessionStatus,
  parent_session_id: uuid,
  /** The prompt's message. */
  message_id: uuid,
  websocket_url: z.string(),
  /** The secret that signs the webhook's posts, when the request named none. */
  callback_secret: z.string().optional(),
});

/** `GET /sessions/{id}/children`, the oldest first. */
export const childList = z.object({ data: z.array(sessionSummary), next_cursor: z.string().nullable() });

/** One session of a tree. */
const treeNode = z.object({
  session_id: uuid,
  parent_session_id: uuid.nullable(),
  title: z.string().nullable(),
  status: sessionStatus,
  depth: z.int(),
  created_at: instant,
  total_turns: z.int(),
  /** The cost of its own turns. */
  total_cost_usd: z.number(),
  /** Its own cost and that of all descendants, deleted ones included. */
  tree_cost_usd: z.number(),
  budget_usd: z.number().nullable(),
  open_interactions: z.int(),
  /** Its children, the oldest first; each is a node of the same tree. */
  child_session_ids: z.array(uuid),
});
export type TreeNode = z.infer<typeof treeNode>;

/** `GET /sessions/{id}/tree`: the session and its descendants; each comes before its children. */
export const sessionTree = z.object({
  session_id: uuid,
  /** The tree's first session. */
  root_session_id: uuid,
  nodes: z.array(treeNode),
  limits: z.object({ max_depth: z.int(), max_children: z.int(), max_sessions: z.int() }),
});
export type SessionTree = z.infer<typeof sessionTree>;

/** How a child's message ended: the `data` of `child.result` without `child_session_id`. */
export const childResult = z.object({
  message_id: uuid,
  status: messageStatus.extract(['completed', 'failed', 'interrupted']),
  /** The child's last text. Null: there is none, for example because it failed before. */
  result: z.string().nullable(),
  error: z.object({ code: z.string(), detail: z.string(), retry_at: instant.optional() }).nullable(),
  duration_ms: z.number().nullable(),
  total_cost_usd: z.number().nullable(),
  /** Absent in what version 0.1 wrote. */
  usage: tokenUsage.nullable().optional(),
});
export type ChildResult = z.infer<typeof childResult>;
