import * as z from 'zod';

const pace = { tokens_per_second: z.number().positive().optional() };
const times = z.int().min(1).optional();
const toolCall = z.strictObject({ tool: z.string().min(1), input: z.record(z.string(), z.json()).default({}) });
const stopReason = z.enum(['refusal', 'max_tokens', 'model_context_window_exceeded']);
const once = z.union([z.literal(true), z.strictObject({ times })], { error: 'must be true or {"times":n}' });

const steps = {
  /** Sends the text, `repeat` times. */
  text: z.strictObject({ text: z.string().min(1), repeat: z.int().min(1).max(100_000).default(1), ...pace }),
  thinking: z.strictObject({ thinking: z.string().min(1), ...pace }),
  /** Calls a tool, or several at once. This ends the model call; the next step answers the results. */
  tool: toolCall,
  tools: z.strictObject({ tools: z.array(toolCall).min(1) }),
  /** An API error: an HTTP status if nothing was sent before it, else an event in the stream. */
  error: z.strictObject({
    error: z.strictObject({
      status: z.int().min(400).max(599),
      type: z.string().optional(),
      message: z.string().optional(),
      /** Seconds, sent as `retry-after`. */
      retry_after: z.int().min(0).optional(),
      times,
    }),
  }),
  /** The model stops before it is done. */
  stop: z.strictObject({
    stop: z.union([stopReason, z.strictObject({ reason: stopReason, times })], {
      error: 'must be refusal, max_tokens or model_context_window_exceeded, or {"reason":…,"times":n}',
    }),
  }),
  /** Breaks the connection. */
  cut: z.strictObject({ cut: once }),
  /** Sends nothing more until the client hangs up. */
  hang: z.strictObject({ hang: once }),
};

type StepName = keyof typeof steps;
const names = ['text', 'thinking', 'tool', 'tools', 'error', 'stop', 'cut', 'hang'] as const satisfies StepName[];

export type Step = z.infer<(typeof steps)[StepName]>;

/** Picks the schema by the step's key. A union of all of them would report what is missing to be another kind of step. */
const step = z.record(z.string(), z.unknown()).transform((value, context): Step => {
  const name = names.find((name) => name in value);
  if (name === undefined) {
    context.addIssue({ code: 'custom', message: `must have one of ${names.join(', ')}` });
    return z.NEVER;
  }
  const parsed = steps[name].safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { message, path } of parsed.error.issues) context.addIssue({ code: 'custom', message, path });
  return z.NEVER;
});

const script = z.array(step).min(1, 'must have at least one step');

export type ScriptResult = { kind: 'none' } | { kind: 'script'; steps: Step[] } | { kind: 'invalid'; why: string };

const FENCE = /^```demo[ \t]*\r?\n([\s\S]*?)^```/m;

/** The script in a prompt, if there is one. */
export function findScript(prompt: string): ScriptResult {
  const source = FENCE.exec(prompt)?.[1];
  if (source === undefined) return { kind: 'none' };
  let json: unknown;
  try {
    json = JSON.parse(source);
  } catch (error) {
    return { kind: 'invalid', why: `it is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const parsed = script.safeParse(json);
  if (parsed.success) return { kind: 'script', steps: parsed.data };
  return { kind: 'invalid', why: z.prettifyError(parsed.error) };
}

/** The prompt's text without its script. */
export function withoutScript(prompt: string): string {
  return prompt.replace(FENCE, '').trim();
}

/** Groups a script's steps by model call. A step that calls tools ends its call. */
export function stepsByCall(steps: Step[]): Step[][] {
  const calls: Step[][] = [];
  let call: Step[] = [];
  for (const step of steps) {
    call.push(step);
    if ('tool' in step || 'tools' in step) {
      calls.push(call);
      call = [];
    }
  }
  return call.length === 0 ? calls : [...calls, call];
}
