import * as z from 'zod';
import { egressRule } from '../../egress/egress-rule.ts';
import { environmentName } from '../environment-name.ts';
import { webhookCallback } from '../webhook.ts';
import { userName } from '../../ids.ts';
import { agentEnv } from '../../settings/agent/agent-env.ts';
import { poolName } from '../../settings/pools-setting.ts';

/** A model by name. `default` is Claude Code's own. */
export const modelName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@[\]-]{0,127}$/, 'must be a model name such as opus-4, sonnet or claude-opus-5-5');

/** A server of the catalogue (`container/mcp/`) by its name, with this session's additions. */
const mcpPreset = z.strictObject({
  preset: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be the name of an MCP preset such as github'),
  /** Appended to the preset's own. */
  args: z.array(z.string()).optional(),
  /** Added to the preset's own; the same name replaces it. */
  env: z.record(z.string(), z.string()).optional(),
});

const mcpServer = z.union([
  mcpPreset,
  z.strictObject({
    type: z.literal('stdio').optional(),
    command: z.string().min(1),
    args: z.array(z.string()).optional(),
    env: z.record(z.string(), z.string()).optional(),
  }),
  z.strictObject({
    type: z.enum(['http', 'sse']),
    url: z.url(),
    headers: z.record(z.string(), z.string()).optional(),
  }),
]);

/** The name of one of the operator's secrets. */
export const secretName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be the name of one of the runner’s secrets');
/** The name of one of the operator's egress presets. */
export const presetName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be the name of a preset such as packages');

/** What a container may reach. */
export const networkConfig = z.strictObject({
  allow: z.array(egressRule).max(256).default([]),
  /** Named allow-lists of the runner: `packages`, `github`, `open`, and the operator's own. */
  presets: z.array(presetName).max(32).default([]),
});
export type NetworkConfig = z.infer<typeof networkConfig>;

/** What an operator says of a runner, by name (`RUNNER_LABELS`). */
const labelName = z.string().regex(/^[A-Za-z0-9._/-]{1,64}$/, 'must be 1 to 64 letters, digits and ._/-');
const labelValue = z.string().regex(/^[A-Za-z0-9._/-]{0,64}$/, 'must be at most 64 letters, digits and ._/-');

/** Which runners will do. */
const runnerConfig = z.strictObject({
  /** The pool of runners that it is in. Absent: `default`. The operator's `POOLS` says who may use which. */
  pool: poolName.optional(),
  /** The runner has all of these labels (its `RUNNER_LABELS`). The session waits for one that has. */
  labels: z
    .record(labelName, labelValue)
    .refine((labels) => Object.keys(labels).length <= 16, 'must be at most 16 labels')
    .optional(),
});

/** A container's limits. The runner lowers them to its own maxima. */
const resourcesConfig = z.strictObject({
  memory_mb: z.int().min(256).max(1_048_576).optional(),
  /** Cores. */
  cpus: z.number().min(0.1).max(1024).optional(),
  /** Processes and threads. */
  pids: z.int().min(64).max(65_536).optional(),
  /** All files together: of the workspace, the conversation, the home and `/tmp`. */
  workspace_mb: z.int().min(16).max(1_048_576).optional(),
  /** How many they may be, with folders and links. */
  workspace_files: z.int().min(1000).max(100_000_000).optional(),
});

/** All that a container's limits can limit. */
export const resourceNames = resourcesConfig.keyof().options;

/** The actual limits of a container. */
export const resources = z.object({
  memory_mb: z.int(),
  cpus: z.number(),
  pids: z.int(),
  /** Null: not limited, as on the process backend. */
  workspace_mb: z.int().nullable(),
  /** As `workspace_mb`. Absent: a runner of an earlier version, which does not count them. */
  workspace_files: z.int().nullable().optional(),
});
export type Resources = z.infer<typeof resources>;

/** CC-Docker's own tools. docs/people.md describes them. */
export const agentTool = z.enum([
  'ask_user',
  'notify_user',
  'share_artifact',
  'spawn_session',
  'list_children',
  'send_to_child',
  'get_child_result',
  'get_child_events',
  'interrupt_child',
  'stop_child',
  'schedule_wakeup',
  'list_wakeups',
  'cancel_wakeup',
  'share_port',
]);
export type AgentTool = z.infer<typeof agentTool>;

/** The name of a channel or a stream on Redis. None of CC-Docker's own keys there is such a name: they have a `/`. */
export const redisName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/,
    'must be 1 to 128 letters, digits and ._:- that begin with one of the first two',
  );

/** A budget, USD. */
export const budgetUsd = z.number().positive().max(1_000_000);

/**
 * What happens when the agent wants to use a tool. `bypass`: it may use every tool (or those of `allowed_tools`) without
 * asking. `ask`: a person decides about every tool that `allowed_tools` does not name (`*` names none). `accept_edits`: like
 * `ask`, but edits of files in the workspace need no permission. `plan`: the agent first makes a plan, and a person decides
 * whether it begins. A question or a permission that nobody answers ends at its deadline.
 */
export const permissionMode = z.enum(['bypass', 'ask', 'accept_edits', 'plan']);
export type PermissionMode = z.infer<typeof permissionMode>;

/** Every setting, without the defaults of a new session: a child inherits an absent setting from its parent. */
const settings = {
  /** `opus-4`, `sonnet-4`, `haiku-4`, or any name that Claude Code takes. Absent: Claude Code's own default. */
  model: modelName,
  /** Longest life of a container of this session, seconds. Absent: the operator's `CONTAINER_TIMEOUT_DEFAULT`. */
  timeout_seconds: z.int().min(1).max(604_800),
  /**
   * Time without a turn and without background work until the container is ended, seconds. Absent: the operator's
   * `CONTAINER_IDLE_TIMEOUT`.
   */
  idle_timeout_seconds: z.int().min(1).max(604_800),
  /**
   * Time for which background work alone keeps the container, seconds. Absent: the operator's `BACKGROUND_TIMEOUT`.
   */
  background_timeout_seconds: z.int().min(1).max(604_800),
  /** Appended to Claude Code's own system prompt. */
  system_prompt: z.string().max(262_144),
  /** `["*"]`: every tool, without asking. Otherwise only these (Claude Code's rule syntax); all others are denied. */
  allowed_tools: z.array(z.string().min(1).max(512)).max(256),
  permission_mode: permissionMode,
  /** Seconds that a question or a permission stays open. Absent: the operator's `INTERACTION_TIMEOUT`. */
  interaction_timeout_seconds: z.int().min(1).max(604_800),
  /** The decision on a permission that nobody decides in time. */
  permission_default: z.enum(['allow', 'deny']),
  /** Users besides the owner who may see and answer this session's questions. They see nothing else of it. */
  answerers: z.array(userName).max(32),
  /** Reminders of a permission, or of a question without `max_attempts`, while nobody has answered. */
  interaction_reminders: z.int().min(0).max(100),
  /**
   * CC-Docker's own tools for the agent, named `mcp__cc-docker__…`. Absent: all of them. In either case only those that the
   * operator's `AGENT_TOOLS` names.
   */
  agent_tools: z.array(agentTool).max(16),
  /**
   * MCP servers by name: as in Claude Code's own `--mcp-config`, or `{"preset": "…"}`. They run inside the container.
   */
  mcp_servers: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), mcpServer),
  /** Model calls that one message may take. */
  max_turns: z.int().min(1).max(10_000),
  /**
   * What becomes of a message whose turn ended by a usage limit with a time at which that is reset. `wait`: it waits until
   * then, and its turn begins anew. `fail`, or absent: it fails.
   */
  on_rate_limit: z.enum(['fail', 'wait']),
  /**
   * Budget of the session with all its descendants, USD. When it is spent, they pause until it is raised. Absent: no
   * limit.
   */
  budget_usd: budgetUsd,
  /** Names of the runner's secrets that this session uses. The runner's proxy inserts them: docs/security.md. */
  secrets: z.array(secretName).max(64),
  /** What the container may reach. Absent: the operator's `EGRESS_DEFAULT`, which by itself allows only the model. */
  network: networkConfig,
  /** `container`: it runs on a runner with containers, or waits for one. Absent: on any runner. */
  isolation: z.enum(['container']),
  /** Which runners will do. Absent: any. */
  runner: runnerConfig,
  /** The container's limits. Absent, or more than the runner allows: the runner's own. */
  resources: resourcesConfig,
  /** Names of the image's skills (`container/skills/`) that the agent gets besides those of its workspace. */
  skills: z.array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be the name of a skill')).max(64),
  /**
   * Variables for the agent's processes, and for those of its MCP servers. Names on which the container's seal or Claude Code
   * relies are refused.
   */
  env: agentEnv,
  /** Where the session's events are copied to besides its own log. Absent: nowhere. */
  events_to: z.strictObject({ redis_stream: redisName }),
  /**
   * The environment that it starts from, by its name: one of yours or of the operator's, or `devcontainer`, which the repository
   * describes. These settings go over those of the environment. A child has its parent's.
   */
  environment: environmentName,
};

/** A session's settings, as a client sends them. Unknown fields are refused. */
export const sessionConfig = z.strictObject({
  model: settings.model.optional(),
  timeout_seconds: settings.timeout_seconds.optional(),
  idle_timeout_seconds: settings.idle_timeout_seconds.optional(),
  background_timeout_seconds: settings.background_timeout_seconds.optional(),
  system_prompt: settings.system_prompt.optional(),
  allowed_tools: settings.allowed_tools.default(['*']),
  permission_mode: settings.permission_mode.default('bypass'),
  interaction_timeout_seconds: settings.interaction_timeout_seconds.optional(),
  permission_default: settings.permission_default.default('deny'),
  answerers: settings.answerers.default([]),
  interaction_reminders: settings.interaction_reminders.default(0),
  agent_tools: settings.agent_tools.optional(),
  mcp_servers: settings.mcp_servers.default({}),
  max_turns: settings.max_turns.default(100),
  // No default: with one, a creation that is repeated with its key would not be the same request as before.
  on_rate_limit: settings.on_rate_limit.optional(),
  budget_usd: settings.budget_usd.optional(),
  secrets: settings.secrets.default([]),
  network: settings.network.optional(),
  isolation: settings.isolation.optional(),
  runner: settings.runner.optional(),
  resources: settings.resources.optional(),
  skills: settings.skills.default([]),
  env: settings.env.optional(),
  events_to: settings.events_to.optional(),
  environment: settings.environment.optional(),
  /**
   * Where word of this session is posted to. It is no setting of the agent's: neither its container nor its children get it, and a
   * view shows it as `callback`, without its secrets.
   */
  callback: webhookCallback.optional(),
});
export type SessionConfig = z.infer<typeof sessionConfig>;

/**
 * A session's settings as its container gets them: `agent_tools` names the tools that the edge lets it call. What is not its
 * business is left out.
 */
export const launchConfig = sessionConfig
  .omit({ events_to: true, runner: true, callback: true, environment: true })
  .extend({ agent_tools: settings.agent_tools });
export type LaunchConfig = z.infer<typeof launchConfig>;

/** A child's settings. It inherits absent ones from its parent, except `system_prompt` and `budget_usd`. */
export const childConfig = z.strictObject(settings).partial();
export type ChildConfig = z.infer<typeof childConfig>;
