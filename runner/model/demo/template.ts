import type { Conversation } from './conversation.ts';
import { findScript, withoutScript } from './script.ts';

/** What a script's `{{name}}` stands for. */
export type Variables = Record<string, string>;

/** All variables of a conversation. */
export function templateVariables(conversation: Conversation, model: string): Variables {
  return {
    first_prompt: withoutScript(conversation.prompts[0] ?? ''),
    prompt: withoutScript(conversation.prompts.at(-1) ?? ''),
    prompt_count: String(conversation.prompts.length),
    last_tool_result: conversation.lastToolResult,
    model,
    cwd: conversation.cwd ?? '',
  };
}

/** Fills `{{name}}` in all strings of a value. An unknown name stays as it is: it may be meant for the tool. */
export function fillTemplate<T>(value: T, variables: Variables): T;
export function fillTemplate(value: unknown, variables: Variables): unknown {
  // A script within a string is meant for the subagent that is given it.
  if (typeof value === 'string' && findScript(value).kind !== 'none') return value;
  if (typeof value === 'string') return value.replaceAll(/\{\{(\w+)\}\}/g, (whole, name) => variables[name] ?? whole);
  if (Array.isArray(value)) return value.map((item: unknown) => fillTemplate(item, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillTemplate<unknown>(item, variables)]));
}
