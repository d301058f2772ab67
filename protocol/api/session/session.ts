import * as z from 'zod';
import { instant, uuid } from '../../ids.ts';
import { sessionEnvironment } from '../environment-name.ts';
import { backgroundTask } from './message.ts';
import { reason } from '../../reason.ts';
import { budgetUsd, modelName, permissionMode, resources, sessionConfig } from './session-config.ts';
import { shownTarget } from '../webhook.ts';
import { workspace } from '../files/workspace.ts';

export const sessionStatus = z.enum(['queued', 'starting', 'idle', 'running', 'stopped', 'failed']);
export type SessionStatus = z.infer<typeof sessionStatus>;

/** `POST /sessions`. */
export const createSessionRequest = z.strictObject({
  workspace: workspace.default({ type: 'ephemeral' }),
  config: sessionConfig.prefault({}),
});
export type CreateSessionRequest = z.infer<typeof createSessionRequest>;

/** What a session is for, in a few words, for people and for the agent that has several children. */
export const sessionTitle = z.string().min(1).max(200);

/** `PATCH /sessions/{id}`. What is absent stays as it is. */
export const changeSessionRequest = z
  .strictObject({
    /** Null: no limit of its own. */
    budget_usd: budgetUsd.nullable().optional(),
    /** From the next call to the model on. */
    model: modelName.optional(),
    permission_mode: permissionMode.optional(),
    /** Null: as it was created. */
    title: sessionTitle.nullable().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'must change something');
export type ChangeSessionRequest = z.infer<typeof changeSessionRequest>;

/** The settings that change while a session lives, as they are now. */
export const sessionSettings = z.object({
  /** Null: Claude Code's own default. */
  model: z.string().nullable(),
  permission_mode: permissionMode,
  title: z.string().nullable(),
});
export type SessionSettings = z.infer<typeof sessionSettings>;

/** `POST /sessions/{id}/tickets`: `?ticket=` in place of a token, for one call, until `expires_at`. */
export const sessionTicket = z.object({ ticket: z.string(), expires_at: instant });

/** The answer to `POST /sessions`. */
export const createdSession = z.object({
  session_id: uuid,
  status: sessionStatus,
  /** The container's name; null while there is none. */
  container_id: z.string().nullable(),
  created_at: instant,
  websocket_url: z.string(),
  /** The secret that signs the posts of `config.callback`, when the request named none. */
  callback_secret: z.string().optional(),
});

/** `POST /sessions/{id}/fork`. */
export const forkedSession = createdSession.extend({ forked_from: uuid });

/** One row of a session list. */
export const sessionSummary = createdSession.omit({ callback_secret: true }).extend({
  /** Why the session has this status, when there is a reason to give. */
  reason: reason.nullable(),
  last_activity: instant,
  /** What it is for, in a few words. */
  title: z.string().nullable(),
  parent_session_id: uuid.nullable(),
  child_session_ids: z.array(uuid),
  total_turns: z.int(),
  total_cost_usd: z.number(),
  /** Number of questions and permissions that wait for a person. */
  open_interactions: z.int(),
  /** As it is now; null: Claude Code's own default. Absent, as `environment`: an earlier version wrote the row. */
  model: z.string().nullable().optional(),
  /** The environment that it was created from; null: none. */
  environment: sessionEnvironment.nullable().optional(),
});
export type SessionSummary = z.infer<typeof sessionSummary>;

/** `GET /sessions/{id}`. */
export const sessionView = sessionSummary.extend({
  ...sessionSettings.shape,
  epoch: z.int(),
  /** `seq` of the newest event. */
  last_seq: z.int(),
  queued_messages: z.int(),
  /** What runs in the background. While it does, the session is not idle for parking. */
  background_tasks: z.array(backgroundTask),
  /** The container's limits; null while there is none, or on a backend without limits. */
  resources: resources.nullable(),
  /** Secrets that are inside the container because the operator exposes them. */
  exposed_secrets: z.array(z.string()),
  /** Where its files are. */
  files: z.object({
    /** The runner that has them; null: none yet. */
    runner: z.string().nullable(),
    /** True: `snapshot_id` holds everything that the agent wrote. False: the newest is only on the runner. */
    saved: z.boolean(),
    /** The newest stored snapshot. */
    snapshot_id: uuid.nullable(),
  }),
  /** The environment that it was created from; null: none. */
  environment: sessionEnvironment.nullable(),
  /** The session that it was forked from. */
  forked_from: uuid.nullable(),
  /** The session whose files it shares; null: it has its own. */
  inherits_from: uuid.nullable(),
  workspace,
  /** As it was created, but for its budget. What changes besides is above. */
  config: sessionConfig.omit({ callback: true }),
  /** Where word of it is posted to, without secrets; null: nowhere. */
  callback: shownTarget.nullable(),
});
export type SessionView = z.infer<typeof sessionView>;

/** `GET /sessions`. `sessions` is `data` again, under the seed's name. */
export const sessionList = z.object({
  data: z.array(sessionSummary),
  next_cursor: z.string().nullable(),
  sessions: z.array(sessionSummary),
  total: z.int(),
  limit: z.int(),
  offset: z.int(),
});

/** `POST /sessions/{id}/stop`. */
export const stoppedSession = z.object({ session_id: uuid, status: sessionStatus });
