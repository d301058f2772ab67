import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const CLAUDE = fileURLToPath(
  new URL('../../../node_modules/@anthropic-ai/claude-code-linux-x64/claude', import.meta.url),
);

const line = z.looseObject({ type: z.string(), subtype: z.string().optional(), status: z.string().nullish() });
const result = z.looseObject({
  type: z.literal('result'),
  is_error: z.boolean(),
  terminal_reason: z.string(),
  api_error_status: z.number().nullish(),
  api_error_type: z.string().nullish(),
  result: z.string().default(''),
});
export type Result = z.infer<typeof result>;
const textDelta = z.object({ event: z.object({ delta: z.object({ text: z.string() }) }) });

/** The real `claude`, with an environment of its own in which `modelEnv` alone leads anywhere. */
export async function startClaude(modelEnv: Record<string, string>, maxRetries = 0) {
  const folder = await mkdtemp(join(tmpdir(), 'cc-claude-'));
  const cwd = join(folder, 'work');
  await mkdir(cwd);
  const flags = '-p --input-format stream-json --output-format stream-json --verbose --include-partial-messages';
  const child = spawn(CLAUDE, [...flags.split(' '), '--permission-mode', 'bypassPermissions'], {
    cwd,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      HOME: folder,
      TMPDIR: folder,
      PATH: '/usr/bin:/bin',
      IS_SANDBOX: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_MAX_RETRIES: String(maxRetries),
      ...modelEnv,
    },
  });
  const exited = once(child, 'exit');
  const said: string[] = [];
  const raw: string[] = [];
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const send = (message: object) => child.stdin.write(`${JSON.stringify(message)}\n`);

  return {
    cwd,
    /** What it has said while it was listened to: type, subtype and status of each line. */
    said,
    /** The same lines as they were written. */
    raw,
    /** Sends a prompt and waits for its result; `onText` gets the text so far with every preview. */
    ask: async (prompt: string, onText: (text: string) => void = () => undefined): Promise<Result> => {
      const content = [{ type: 'text', text: prompt }];
      send({ type: 'user', message: { role: 'user', content }, parent_tool_use_id: null, uuid: randomUUID() });
      let text = '';
      for (;;) {
        const next = await lines.next();
        if (next.done === true) throw new Error('claude ended before its result');
        raw.push(next.value);
        const message = line.parse(JSON.parse(next.value));
        said.push([message.type, message.subtype, message.status].filter((part) => part !== undefined).join('/'));
        const delta = textDelta.safeParse(message).data?.event.delta.text;
        if (delta !== undefined) onText((text += delta));
        if (message.type === 'result') return result.parse(message);
      }
    },
    interrupt: () => send({ type: 'control_request', request_id: randomUUID(), request: { subtype: 'interrupt' } }),
    close: async () => {
      child.stdin.end();
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

/** A prompt with a script for the demo model. */
export const scripted = (steps: object[], words = ''): string =>
  `${words}\n\`\`\`demo\n${JSON.stringify(steps)}\n\`\`\``;
