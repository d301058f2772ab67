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

/** A session's settings, as a client sends them. Unknown fields are refused. */
export const sessionConfig = z.strictObject({
  /** `opus-4`, `sonnet-4`, `haiku-4`, or any name that Claude Code takes. Absent: Claude Code's own default. */
  model: modelName.optional(),
  /** How long a container of this session may live, seconds. Absent: the operator's `CONTAINER_TIMEOUT_DEFAULT`. */
  timeout_seconds: z.int().min(1).max(604_800).optional(),
  /** Appended to Claude Code's own system prompt. */
  system_prompt: z.string().max(262_144).optional(),
  /** `["*"]`: every tool without asking. Otherwise these alone run (Claude Code's rule syntax); the rest is denied. */
  allowed_tools: z.array(z.string().min(1).max(512)).max(256).default(['*']),
  /** MCP servers by name, as in Claude Code's own `--mcp-config`. They run inside the container. */
  mcp_servers: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), mcpServer).default({}),
  /** Model calls that one message may take. */
  max_turns: z.int().min(1).max(10_000).default(100),
  /** Names of the runner's secrets. None can be used yet, so only an empty list is taken. */
  secrets: z.array(z.string()).max(0, 'secrets are not available in this version: send an empty list').default([]),
  /** Names of skills. None can be used yet, so only an empty list is taken. */
  skills: z.array(z.string()).max(0, 'skills are not available in this version: send an empty list').default([]),
});
export type SessionConfig = z.infer<typeof sessionConfig>;

/** Where the agent works. `ephemeral` lives as long as its session. */
export const workspace = z.strictObject({
  type: z.literal('ephemeral', {
    error: 'only "ephemeral" is available in this version: its files live until the session is deleted',
  }),
});
export type Workspace = z.infer<typeof workspace>;
