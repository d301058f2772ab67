import * as z from 'zod';

const modelName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@[\]-]{0,127}$/, 'must be a model name such as opus-4, sonnet or claude-opus-5-5');

const mcpServer = z.union([
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

/** A name of the operator's: of a secret, of a preset. */
export const secretName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be the name of one of the runner’s secrets');
export const presetName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be the name of a preset such as packages');

/**
 * One rule of an allow-list: `host`, `*.host` (its subdomains), `*` (any), an IPv4 address or an `[IPv6]` one, each with an
 * optional `:port` or `:*`. Without a port: 80 and 443. With one that is not 80 or 443, tools that know no proxy
 * (databases) reach it as well, under its own name.
 */
export const egressRule = z
  .string()
  .max(300)
  .regex(
    /^(\*|(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?|\[[0-9a-f:.]+\])(:(\d{1,5}|\*))?$/i,
    'must be a rule such as github.com, *.example.org, db.example.com:5432 or *',
  );

/** Where a container may go. */
export const networkConfig = z.strictObject({
  allow: z.array(egressRule).max(256).default([]),
  /** Lists that the runner's operator keeps by name: `packages`, `github`, `open`, and their own. */
  presets: z.array(presetName).max(32).default([]),
});
export type NetworkConfig = z.infer<typeof networkConfig>;

/** A container's limits; the runner's maxima stand above them. */
export const resourcesConfig = z.strictObject({
  memory_mb: z.int().min(256).max(1_048_576).optional(),
  /** Cores. */
  cpus: z.number().min(0.1).max(1024).optional(),
  /** Processes and threads. */
  pids: z.int().min(64).max(65_536).optional(),
  /** Of all files in the workspace together. */
  workspace_mb: z.int().min(16).max(1_048_576).optional(),
});

/** The limits that a container really has. */
export const resources = z.object({
  memory_mb: z.int(),
  cpus: z.number(),
  pids: z.int(),
  /** Null: not limited, as on the process backend. */
  workspace_mb: z.int().nullable(),
});
export type Resources = z.infer<typeof resources>;

/** A tool of CC-Docker's own; docs/people.md says what each does. */
export const agentTool = z.enum(['ask_user', 'notify_user']);
export type AgentTool = z.infer<typeof agentTool>;

/** A session's settings, as a client sends them. Unknown fields are refused. */
export const sessionConfig = z.strictObject({
  /** `opus-4`, `sonnet-4`, `haiku-4`, or any name that Claude Code takes. Absent: Claude Code's own default. */
  model: modelName.optional(),
  /** How long a container of this session may live, seconds. Absent: the operator's `CONTAINER_TIMEOUT_DEFAULT`. */
  timeout_seconds: z.int().min(1).max(604_800).optional(),
  /** Without a turn, until the container goes, seconds. Absent: the operator's `CONTAINER_IDLE_TIMEOUT`. */
  idle_timeout_seconds: z.int().min(1).max(604_800).optional(),
  /** Appended to Claude Code's own system prompt. */
  system_prompt: z.string().max(262_144).optional(),
  /** `["*"]`: every tool without asking. Otherwise these alone run (Claude Code's rule syntax); the rest is denied. */
  allowed_tools: z.array(z.string().min(1).max(512)).max(256).default(['*']),
  /**
   * What happens when the agent wants to use a tool. `bypass`: it may use every one (or those of `allowed_tools`) unasked. `ask`: a person decides about
   * whatever `allowed_tools` do not name (`*` counts as none). `accept_edits`: as `ask`, but edits of files in the workspace go unasked. `plan`: it plans, and asks
   * before it begins. A question or a permission that nobody answers ends at its deadline.
   */
  permission_mode: z.enum(['bypass', 'ask', 'accept_edits', 'plan']).default('bypass'),
  /** Seconds that a question or permission stays open. Absent: the operator's `INTERACTION_TIMEOUT`. */
  interaction_timeout_seconds: z.int().min(1).max(604_800).optional(),
  /** What becomes of a permission that nobody decides on in time. */
  permission_default: z.enum(['allow', 'deny']).default('deny'),
  /**
   * CC-Docker's own tools that the agent gets, as `mcp__cc-docker__…`. None unasked: their server costs a session's start a tenth of a second, and
   * Claude Code's own `AskUserQuestion` is there without.
   */
  agent_tools: z.array(agentTool).max(16).default([]),
  /** MCP servers by name, as in Claude Code's own `--mcp-config`. They run inside the container. */
  mcp_servers: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), mcpServer).default({}),
  /** Model calls that one message may take. */
  max_turns: z.int().min(1).max(10_000).default(100),
  /** Names of the runner's secrets that this session uses. The runner puts them in on the way; see docs/security.md. */
  secrets: z.array(secretName).max(64).default([]),
  /** Where the container may go. Absent: what the operator's `EGRESS_DEFAULT` says, which is nowhere but the model. */
  network: networkConfig.optional(),
  /** The container's limits. Absent, or more than the runner allows: the runner's own. */
  resources: resourcesConfig.optional(),
  /** Names of skills. None can be used yet, so only an empty list is taken. */
  skills: z.array(z.string()).max(0, 'skills are not available in this version: send an empty list').default([]),
});
export type SessionConfig = z.infer<typeof sessionConfig>;
