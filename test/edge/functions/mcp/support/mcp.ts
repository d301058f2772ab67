import { env } from 'cloudflare:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, type Progress } from '@modelcontextprotocol/sdk/types.js';
import type { JsonSchemaType, JsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js';
import { z } from 'zod';
import { createApp } from '../../../../../functions/app.ts';
import { User } from '../../../support/api.ts';
import { FakeRunner, type FakeContainer } from '../../../support/runner.ts';

const app = createApp();

export const ORIGIN = 'http://localhost:8000';

/** A request of `/mcp`, as it comes over HTTP. */
export async function post(
  body: unknown,
  headers: Record<string, string> = {},
  method = 'POST',
  server = ORIGIN,
): Promise<Response> {
  const sent = method === 'POST' ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {};
  const init = {
    method,
    headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json', ...headers },
    ...sent,
  };
  return app.request(`${server}/mcp`, init, env);
}

/** The client holds answers to the tools' own schemas with this: its usual validator compiles them by `eval`. */
const validator = {
  getValidator<T>(schema: JsonSchemaType): JsonSchemaValidator<T> {
    const checked = z.fromJSONSchema(z.record(z.string(), z.json()).parse(schema));
    return (input) => {
      const { success, error } = checked.safeParse(input);
      if (success) return { valid: true, data: input as T, errorMessage: undefined };
      return { valid: false, data: undefined, errorMessage: z.prettifyError(error) };
    };
  },
};

export interface ToolAnswer {
  readonly isError: boolean;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
  readonly data: any;
}

/** The SDK's own client, with a user's token. */
export class Agent {
  readonly client: Client;

  private constructor(client: Client) {
    this.client = client;
  }

  static async connect(user: User): Promise<Agent> {
    const client = new Client({ name: 'test', version: '0' }, { jsonSchemaValidator: validator });
    const transport = new StreamableHTTPClientTransport(new URL(`${ORIGIN}/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${await user.token}` } },
      fetch: async (url, init) => app.request(String(url), init, env),
    });
    await client.connect(transport);
    // From here on the client holds each answer to its tool's schema.
    await client.listTools();
    return new Agent(client);
  }

  async call(
    name: string,
    given: Record<string, unknown> = {},
    onprogress?: (progress: Progress) => void,
  ): Promise<ToolAnswer> {
    const options = onprogress === undefined ? {} : { onprogress };
    const result = await this.client.callTool({ name, arguments: given }, CallToolResultSchema, options);
    const { content, structuredContent, isError = false } = CallToolResultSchema.parse(result);
    const text = content.map((block) => (block.type === 'text' ? block.text : `(${block.type})`)).join('\n');
    return { isError, text, data: structuredContent };
  }
}

/** A user's agent, and a runner. */
export interface McpScene {
  readonly user: User;
  readonly agent: Agent;
  readonly runner: FakeRunner;
}

export async function scene(): Promise<McpScene> {
  const user = new User();
  return { user, agent: await Agent.connect(user), runner: await FakeRunner.connect() };
}

/** A session of the agent's in the middle of its first turn. */
export async function working(config: object = {}) {
  const all = await scene();
  const { data } = await all.agent.call('create_session', { prompt: 'work', ...config });
  const container = await all.runner.start(data.session_id);
  await container.prompt();
  const ids = { session_id: data.session_id, message_id: data.message_id };
  return { ...all, container, ids, of: { session_id: ids.session_id } };
}

/** The session asks: something with one answer, or leave for a command that is long. */
export async function ask(container: FakeContainer, kind: 'question' | 'permission'): Promise<string> {
  const interaction_id = crypto.randomUUID();
  const color = { question: 'Which?', options: [{ label: 'red' }], multi_select: false, free_text: false };
  const subject =
    kind === 'question'
      ? { kind, questions: [color] }
      : { kind, tool_name: 'Bash', input: { command: 'x'.repeat(30_000) }, can_allow_session: true };
  container.say({ notice: 'asked', interaction_id, tool_use_id: 'toolu_1', subject });
  await container.stored();
  return interaction_id;
}
