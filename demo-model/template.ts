import type { Conversation, ToolCall } from './conversation.ts';
import { findScript, withoutScript } from './script.ts';

/** The values of `{{name}}` in a script. */
export type Variables = Record<string, string>;

/** All variables of a conversation. @param calls tool calls of the prompt that holds the script, oldest first */
export function templateVariables(conversation: Conversation, model: string, calls: readonly ToolCall[]): Variables {
  return {
    ...resultVariables(calls),
    first_prompt: withoutScript(conversation.prompts[0] ?? ''),
    prompt: withoutScript(conversation.prompts.at(-1) ?? ''),
    prompt_count: String(conversation.prompts.length),
    last_tool_result: conversation.lastToolResult,
    model,
    cwd: conversation.cwd ?? '',
  };
}

/** `result_0` is the first call's result. If it is a JSON object, `result_0_name` is its text or number `name`. */
function resultVariables(calls: readonly ToolCall[]): Variables {
  const variables: Variables = {};
  for (const [index, { result }] of calls.entries()) {
    if (result === undefined) continue;
    variables[`result_${index}`] = result.text;
    for (const [name, value] of Object.entries(readObject(result.text))) {
      if (typeof value === 'string' || typeof value === 'number') variables[`result_${index}_${name}`] = String(value);
    }
  }
  return variables;
}

function readObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** Fills `{{name}}` in all strings of a value. An unknown name stays: it may be meant for the tool. */
export function fillTemplate<T>(value: T, variables: Variables): T;
export function fillTemplate(value: unknown, variables: Variables): unknown {
  // A script inside a string is for a subagent: that one fills it.
  if (typeof value === 'string' && findScript(value).kind !== 'none') return value;
  if (typeof value === 'string') return value.replaceAll(/\{\{(\w+)\}\}/g, (whole, name) => variables[name] ?? whole);
  if (Array.isArray(value)) return value.map((item: unknown) => fillTemplate(item, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillTemplate<unknown>(item, variables)]));
}
