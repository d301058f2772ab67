import * as z from 'zod';

/** Characters of one event's text. */
const MAX_TEXT = 2000;

const block = z.looseObject({ type: z.string() });
const said = z.object({ message: z.object({ content: z.union([z.string(), z.array(block)]) }) });
const textBlock = z.object({ type: z.literal('text'), text: z.string() });
const useBlock = z.object({ type: z.literal('tool_use'), name: z.string(), input: z.unknown() });
const resultBlock = z.object({
  type: z.literal('tool_result'),
  is_error: z.boolean().optional(),
  content: z.union([z.string(), z.array(block)]).optional(),
});
const ended = z.object({ subtype: z.string(), result: z.string().nullish() });

/** What an event says, as text for another agent to read: cut when long, empty when it is nothing that it would want. */
export function condense(type: string, data: unknown): string {
  return cut(textOf(type, data));
}

function textOf(type: string, data: unknown): string {
  if (type === 'assistant' || type === 'user') {
    const parsed = said.safeParse(data);
    if (!parsed.success) return '';
    const { content } = parsed.data.message;
    return typeof content === 'string'
      ? content
      : content
          .map(blockText)
          .filter((text) => text !== '')
          .join('\n');
  }
  if (type === 'result') {
    const parsed = ended.safeParse(data);
    return parsed.success ? (parsed.data.result ?? parsed.data.subtype) : '';
  }
  // Claude Code's other lines are about itself: its start, its limits.
  return type.includes('.') ? JSON.stringify(data) : '';
}

function blockText(one: z.infer<typeof block>): string {
  const text = textBlock.safeParse(one);
  if (text.success) return text.data.text;
  const use = useBlock.safeParse(one);
  if (use.success) return `[uses ${use.data.name}] ${JSON.stringify(use.data.input)}`;
  const result = resultBlock.safeParse(one);
  if (!result.success) return '';
  const { content = '', is_error } = result.data;
  const inner = typeof content === 'string' ? content : content.map(blockText).join('\n');
  return `[${is_error === true ? 'tool failed' : 'tool result'}] ${inner}`;
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)} … (${text.length} characters)`;
}
