import * as z from 'zod';
import { cleanEmail, cleanName } from '../git/git-author.ts';
import { agentToolsSetting } from './agent/agent-tools.ts';
import { boundsSettings } from './bounds-settings.ts';
import { environmentSettings } from './environment-settings.ts';
import { discordSettings } from './discord-settings.ts';
import { bothOrNone, redisSettings } from './redis-settings.ts';
import { issuerWithClient, oidcSettings } from './oidc-settings.ts';
import { traceSettings } from './trace-settings.ts';
import { webSettings } from './web-settings.ts';
import { poolsSetting } from './pools-setting.ts';
import { webhookAllow } from './webhook-allow.ts';

const count = (fallback: number, max: number) => {
  const error = `must be a whole number from 1 to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(1, { error }).max(max, { error }).default(fallback);
};
/** Seconds. */
const seconds = count;

const jwtSecret = z.string().min(32, 'must be at least 32 characters: RFC 7518 wants 256 bits for HS256');

const parts = {
  ...discordSettings.shape,
  ...webSettings.shape,
  ...boundsSettings.shape,
  ...environmentSettings.shape,
  ...redisSettings.shape,
  ...traceSettings.shape,
  ...oidcSettings.shape,
};

const variables = z.object({
  ...parts,
  /** Signs users' tokens, and the keys of all other kinds are derived from it. Required. */
  JWT_SECRET: jwtSecret,
  /** The secret before that: what it signed stays valid while this is set. */
  JWT_SECRET_PREVIOUS: jwtSecret.optional(),
  /** A key set (RFC 7517), such as that of an OIDC provider, whose keys may sign users' tokens as well. */
  JWT_JWKS_URL: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).optional(),
  /** The `iss` and the `aud` that every user's token must have; absent: any. */
  JWT_ISSUER: z.string().min(1).optional(),
  JWT_AUDIENCE: z.string().min(1).optional(),
  /** The claim that names the owner in tokens of `JWT_JWKS_URL`. In those of `JWT_SECRET` it is always `sub`. */
  JWT_OWNER_CLAIM: z
    .string()
    .regex(/^[A-Za-z0-9_.:/-]{1,128}$/, 'must be the name of a claim, such as sub or email')
    .default('sub'),
  /** Longest life of a container, seconds, when the session's config does not set it. */
  CONTAINER_TIMEOUT_DEFAULT: seconds(3600, 604_800),
  /** Idle time until a container is ended, seconds. */
  CONTAINER_IDLE_TIMEOUT: seconds(300, 604_800),
  /** Time for which background work alone may keep a container, seconds. */
  BACKGROUND_TIMEOUT: seconds(3600, 604_800),
  /** Whether owners may open terminals in their sessions' containers: `1`. */
  TERMINAL: z.enum(['0', '1'], 'must be 1 (on) or 0 (off)').default('0'),
  /** How long a terminal that nobody types in keeps its container, and how long one that nobody has any more goes on, seconds. */
  TERMINAL_IDLE_TIMEOUT: seconds(3600, 604_800),
  TERMINAL_DETACHED_TIMEOUT: seconds(600, 604_800),
  /** The maximum of each that a session may set, seconds. */
  CONTAINER_TIMEOUT_MAX: seconds(604_800, 604_800),
  CONTAINER_IDLE_TIMEOUT_MAX: seconds(604_800, 604_800),
  BACKGROUND_TIMEOUT_MAX: seconds(604_800, 604_800),
  /** The time limit of a message when its chat does not set it, and the maximum that a chat may set, seconds. */
  TURN_TIMEOUT_DEFAULT: seconds(3600, 604_800),
  TURN_TIMEOUT_MAX: seconds(604_800, 604_800),
  /**
   * How long a question or a permission stays open when the session does not set it, and the maximum it may set,
   * seconds.
   */
  INTERACTION_TIMEOUT: seconds(1800, 604_800),
  INTERACTION_TIMEOUT_MAX: seconds(604_800, 604_800),
  /** Seconds after an interrupt until a `claude` that has not ended its turn is ended itself. */
  INTERRUPT_TIMEOUT: seconds(30, 3600),
  /** Seconds that a `git clone` may take in addition to `CONTAINER_STARTUP_TIMEOUT`. */
  CLONE_TIMEOUT: seconds(600, 86_400),
  /** The author of sessions' commits, where the token of their creator names none; empty: who owns the session. */
  GIT_AUTHOR_NAME: z
    .string()
    .regex(/^[^\p{Cc}<>]{0,128}$/u, 'must be a name of at most 128 characters, without < and >')
    .default('')
    .transform(cleanName),
  GIT_AUTHOR_EMAIL: z
    .string()
    .regex(/^[^\s<>]{0,254}$/, 'must be an address such as agents@example.org')
    .default('')
    .transform(cleanEmail),
  /** Snapshots kept of a session, and of a persistent workspace. Older ones are deleted. */
  SNAPSHOTS_KEPT: count(10, 1000),
  /** Days without activity until a session is deleted with all that it stored; 0: never. */
  SESSION_RETENTION_DAYS: z.coerce.number().int().min(0).max(36_500).default(0),
  /** What an owner may store in all: snapshots, artifacts, logs, messages and the rest, MB; 0: no quota. */
  STORAGE_QUOTA_MB: z.coerce.number().int().min(0).max(1_000_000_000).default(0),
  /** Longest time from launch to ready, seconds. */
  CONTAINER_STARTUP_TIMEOUT: seconds(120, 3600),
  /** Sessions that one owner may have waiting or running at once. */
  MAX_SESSIONS_PER_USER: count(10, 100_000),
  /** Levels that a tree of sessions may have below its first session; 0: no session has children. */
  MAX_SPAWN_DEPTH: z.coerce.number().int().min(0).max(50).default(5),
  /** Children that one session may spawn, and sessions that one tree may have. Ended ones count. */
  MAX_CHILDREN_PER_SESSION: count(20, 1000),
  MAX_SESSIONS_PER_TREE: count(50, 10_000),
  /** The tools of CC-Docker that sessions may have. A session's `agent_tools` can name fewer. */
  AGENT_TOOLS: agentToolsSetting,
  /** What webhooks may reach besides public addresses. It has no effect when the edge runs on Cloudflare. */
  WEBHOOK_ALLOW: webhookAllow,
  /**
   * Whom the operator of a push service can reach about what this service pushes (VAPID): a `mailto:` or an `https:` address. Absent:
   * the address of the service, where it is https.
   */
  PUSH_SUBJECT: z
    .string()
    .regex(/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, 'must be mailto:you@example.org or an https:// address')
    .max(512)
    .optional(),
  /** The pools of runners, and who may use each. */
  POOLS: poolsSetting,
  /** `true`: runners that isolate sessions in containers and runners that do not may be in one pool. */
  MIX_ISOLATION: z
    .enum(['true', 'false'], 'must be true or false')
    .default('false')
    .transform((text) => text === 'true'),
  /** Which calls have a line in the access log: all, those that were refused or failed, or none. */
  ACCESS_LOG: z.enum(['all', 'errors', 'off'], 'must be all, errors or off').default('all'),
  /** `true`: edges elsewhere, such as `functions/deno.ts`, may call the objects with a service token (docs/deploy.md). */
  REMOTE_EDGES: z
    .enum(['true', 'false'], 'must be true or false')
    .default('false')
    .transform((text) => text === 'true'),
  /** Seconds that a runner may be disconnected before its containers are given up. */
  RUNNER_LOST_AFTER: seconds(60, 86_400),
});

/** The edge's environment: `vars` and secrets of the Worker. Names and defaults are the seed's where it has them. */
export const edgeSettings = variables.check(bothOrNone, issuerWithClient);
export type EdgeSettings = z.infer<typeof edgeSettings>;

/** The same without the secret, which `npm start` makes where there is none. */
export const edgeSettingsBesideSecret = variables.omit({ JWT_SECRET: true }).check(bothOrNone, issuerWithClient);
