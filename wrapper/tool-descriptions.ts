import * as z from 'zod';
import { type AskUserInput, askUserInput, type NotifyUserInput, notifyUserInput } from '../protocol/interaction.ts';
import type { ToolName } from './tool-names.ts';

type Described<Input> = Readonly<Record<keyof Input & string, string>>;

const ASK_USER = `Ask the person you work for a question and wait for the answer, which is returned as text.

Use it when you cannot go on well without them: a decision that is theirs, something that only they know, a choice that would be costly to undo. Do not use it for what you can find out yourself or for leave to go on with what you were told to do. They may be away, so an answer can take minutes or days; do what does not depend on it first, and put what belongs together into one question that can be understood without having followed your work. If nobody answers in time you get the default, or are told that nobody did.`;

const NOTIFY_USER = `Tell the person you work for something now, without waiting for an answer: it reaches them also when they do not follow the session.

Use it for what they would want to know before you are done: a milestone of long work, a problem, a risk. Do not use it for your final answer, which they get anyway, nor for each step. To ask something, use ask_user.`;

const PRIORITY = 'How much it matters that they see it soon; "normal" if absent. "urgent" may wake somebody.';

const askUserFields: Described<AskUserInput> = {
  question: 'The question, complete in itself.',
  options: 'Answers to choose from, with or without a description of each. Absent: any text is an answer.',
  multi_select: 'Whether several options may be chosen. They are returned separated by ", ".',
  timeout_seconds: 'How long to wait before the default is taken. Absent: as long as the user has set.',
  max_attempts: 'How often to remind them while they have not answered.',
  priority: PRIORITY,
  default: 'The answer that is taken if nobody gives one in time. With options, best one of their labels.',
};

const notifyUserFields: Described<NotifyUserInput> = {
  message: 'What they are told. Markdown.',
  priority: PRIORITY,
  summary: 'The message in a line, for where there is little room.',
};

/** A tool as `tools/list` tells of it. */
export interface ToolDescription {
  name: ToolName;
  description: string;
  inputSchema: { type: 'object'; [key: string]: unknown };
  /** Claude Code runs tools that change nothing beside each other, and while it plans. */
  annotations: { readOnlyHint: true };
}

/** What the model is told of each of these tools. */
export function describeTools(names: readonly ToolName[]): ToolDescription[] {
  const all: Readonly<Record<ToolName, Omit<ToolDescription, 'name' | 'annotations'>>> = {
    ask_user: { description: ASK_USER, inputSchema: inputSchema(askUserInput, askUserFields) },
    notify_user: { description: NOTIFY_USER, inputSchema: inputSchema(notifyUserInput, notifyUserFields) },
  };
  return names.map((name) => ({ name, ...all[name], annotations: { readOnlyHint: true } }));
}

function inputSchema(
  schema: z.ZodType,
  descriptions: Readonly<Record<string, string>>,
): ToolDescription['inputSchema'] {
  const { $schema: _, properties = {}, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  const described = Object.entries(properties).map(([name, property]) => [
    name,
    typeof property === 'object' ? { ...property, description: descriptions[name] } : property,
  ]);
  return { ...rest, type: 'object', properties: Object.fromEntries(described) };
}
