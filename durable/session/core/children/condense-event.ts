import * as z from 'zod';

/** Longest text of one event, characters. */
const MAX_TEXT = 2000;

const block = z.looseObject({ type: z.string() });
const messageLine = z.object({ message: z.object({ content: z.union([z.string(), z.array(block)]) }) });
const textBlock = z.object({ type: z.literal('text'), text: z.string() });
const useBlock = z.object({ type: z.literal('tool_use'), name: z.string(), input: z.unknown() });
const resultBlock = z.object({
  type: z.literal('tool_result'),
  is_error: z.boolean().optional(),
  content: z.union([z.string(), z.array(block)]).optional(),
});
const resultLine = z.object({ subtype: z.string(), result: z.string().nullish() });

/** An event as text for another agent to read. Long text is cut; an event of no interest to that agent gives ''. */
export function condense(type: string, data: unknown): string {
  return cut(textOf(type, data));
}

function textOf(type: string, data: unknown): string {
  if (type === 'assistant' || type === 'user') {
    const parsed = messageLine.safeParse(data);
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
    const parsed = resultLine.safeParse(data);
    return parsed.success ? (parsed.data.result ?? parsed.data.subtype) : '';
  }
  // Our own types contain a dot. Claude Code's other lines are about itself, such as its start and its limits.
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
