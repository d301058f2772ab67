import * as z from 'zod';
import { discordSettings } from './discord-settings.ts';
import { webhookAllow } from './webhook-allow.ts';

const count = (fallback: number, max: number) => {
  const error = `must be a whole number from 1 to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(1, { error }).max(max, { error }).default(fallback);
};
/** Seconds. */
const seconds = count;

/** The edge's environment: `vars` and secrets of the Worker. Names and defaults are the seed's where it had them. */
export const edgeSettings = discordSettings.extend({
  /** Signs and checks every HS256 token. Nothing runs without one. */
  JWT_SECRET: z.string().min(32, 'must be at least 32 characters: RFC 7518 wants 256 bits for HS256'),
  /** Longest life of a container, seconds, where a session does not say. */
  CONTAINER_TIMEOUT_DEFAULT: seconds(3600, 604_800),
  /** Idle time until a container goes, seconds. */
  CONTAINER_IDLE_TIMEOUT: seconds(300, 604_800),
  /** The most that a session may ask for of either, seconds. */
  CONTAINER_TIMEOUT_MAX: seconds(604_800, 604_800),
  CONTAINER_IDLE_TIMEOUT_MAX: seconds(604_800, 604_800),
  /** A message's longest turn where its chat does not say, and the most that one may ask for, seconds. */
  TURN_TIMEOUT_DEFAULT: seconds(3600, 604_800),
  TURN_TIMEOUT_MAX: seconds(604_800, 604_800),
  /** Until a question or a permission that nobody answers ends, where a session does not say, and the most that one may say, seconds. */
  INTERACTION_TIMEOUT: seconds(1800, 604_800),
  INTERACTION_TIMEOUT_MAX: seconds(604_800, 604_800),
  /** From being interrupted until a `claude` that does not end its turn is ended itself, seconds. */
  INTERRUPT_TIMEOUT: seconds(30, 3600),
  /** What a `git clone` may take beyond the startup, seconds. */
  CLONE_TIMEOUT: seconds(600, 86_400),
  /** Snapshots kept of a session, and of a persistent workspace; older ones go. */
  SNAPSHOTS_KEPT: count(10, 1000),
  /** Days until a session that nobody spoke to is deleted with all that it stored; 0: never. */
  SESSION_RETENTION_DAYS: z.coerce.number().int().min(0).max(36_500).default(0),
  /** What an owner's snapshots may take in the storage, MB; 0: no quota. */
  STORAGE_QUOTA_MB: z.coerce.number().int().min(0).max(1_000_000_000).default(0),
  /** From launch to ready, seconds. */
  CONTAINER_STARTUP_TIMEOUT: seconds(120, 3600),
  /** Sessions that one owner may have waiting or running at once. */
  MAX_SESSIONS_PER_USER: count(10, 100_000),
  /** How deep a tree of sessions may grow below its first one; 0: no session has children. */
  MAX_SPAWN_DEPTH: z.coerce.number().int().min(0).max(50).default(5),
  /** Children that one session may begin, and sessions that one tree may have, ended ones included. */
  MAX_CHILDREN_PER_SESSION: count(20, 1000),
  MAX_SESSIONS_PER_TREE: count(50, 10_000),
  /** What webhooks may reach beyond public addresses. Where the edge runs on Cloudflare it opens nothing. */
  WEBHOOK_ALLOW: webhookAllow,
  /** How long a runner may be away before what it ran is given up, seconds. */
  RUNNER_LOST_AFTER: seconds(60, 86_400),
});
export type EdgeSettings = z.infer<typeof edgeSettings>;
