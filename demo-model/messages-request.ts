import * as z from 'zod';

const text = z.looseObject({ type: z.literal('text'), text: z.string() });
const toolUse = z.looseObject({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
});
const toolResult = z.looseObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).default(''),
  is_error: z.boolean().default(false),
});
/** Images, thinking and other blocks: the demo model ignores them. */
const other = z.looseObject({ type: z.string() }).transform(() => ({ type: 'other' as const }));

const content = z.union([
  z.string().transform((value) => [{ type: 'text' as const, text: value }]),
  z.array(z.union([text, toolUse, toolResult, other])),
]);

/** The parts of a Messages API request that the demo model reads. */
export const messagesRequest = z.looseObject({
  model: z.string(),
  stream: z.boolean().default(false),
  messages: z.array(z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content })).min(1),
  system: content.default([]),
  tools: z.array(z.looseObject({ name: z.string().optional() })).default([]),
  output_config: z.unknown().optional(),
});
export type MessagesRequest = z.infer<typeof messagesRequest>;
