import { z } from 'zod';
import type { EventEnvelope } from '../../protocol/api/session/event.ts';

/** The longest text of one event, characters. */
const MAX_EVENT_TEXT = 1000;

const block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  thinking: z.string().optional(),
  name: z.string().optional(),
  input: z.unknown().optional(),
  content: z.unknown().optional(),
  is_error: z.boolean().optional(),
});
const spoken = z.object({ message: z.object({ content: z.union([z.string(), z.array(block)]) }) });
const ended = z.object({ subtype: z.string(), result: z.string().optional() });
const asked = z.object({
  subject: z.union([
    z.object({ questions: z.array(z.object({ question: z.string() })) }),
    z.object({ tool_name: z.string(), input: z.unknown().optional() }),
  ]),
});

/** An event as text, cut if it is long. Claude Code may change its format, so an unexpected event is shown as JSON. */
export function eventText({ type, data }: Pick<EventEnvelope, 'type' | 'data'>): string {
  return cut(textOf(type, data), MAX_EVENT_TEXT);
}

/** At most `length` characters. The end says how many are missing. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, length)}… (${text.length - length} more characters)`;
}

function textOf(type: string, data: Record<string, unknown>): string {
  if (type === 'assistant' || type === 'user') {
    const parsed = spoken.safeParse(data);
    if (!parsed.success) return JSON.stringify(data);
    const { content } = parsed.data.message;
    return typeof content === 'string' ? content : content.map(blockText).join('\n');
  }
  if (type === 'result') {
    const parsed = ended.safeParse(data);
    return parsed.success ? `${parsed.data.subtype}: ${parsed.data.result ?? ''}` : JSON.stringify(data);
  }
  if (type === 'system')
    return `${String(data['subtype'])} ${typeof data['model'] === 'string' ? data['model'] : ''}`.trimEnd();
  if (type === 'interaction.opened') {
    const parsed = asked.safeParse(data);
    if (!parsed.success) return JSON.stringify(data);
    const { subject } = parsed.data;
    if ('questions' in subject) return subject.questions.map(({ question }) => question).join('\n');
    return `wants to use ${subject.tool_name} ${JSON.stringify(subject.input)}`;
  }
  return JSON.stringify(data);
}

function blockText(each: z.infer<typeof block>): string {
  switch (each.type) {
    case 'text':
      return each.text ?? '';
    case 'thinking':
      return `(thinking) ${each.thinking ?? ''}`;
    case 'tool_use':
      return `${each.name ?? ''} ${JSON.stringify(each.input)}`;
    case 'tool_result':
      return `${each.is_error === true ? 'error' : 'result'}: ${resultText(each.content)}`;
    default:
      return `(${each.type})`;
  }
}

function resultText(content: unknown): string {
  if (typeof content === 'string') return content;
  const blocks = z.array(block).safeParse(content);
  return blocks.success ? blocks.data.map(blockText).join('\n') : JSON.stringify(content);
}
