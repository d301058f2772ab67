import type { MessagesRequest } from './messages-request.ts';

export type ToolCall = {
  name: string;
  input: Record<string, unknown>;
  result?: { text: string; isError: boolean };
};

/** What a person asked. */
export type Prompt = {
  text: string;
  /** Its place among all prompts of the conversation, from 0. */
  place: number;
  /** Model calls that have answered it so far. */
  calls: number;
  /** The tools that they called, oldest first. */
  toolCalls: ToolCall[];
};

/** A conversation as the demo model sees it. */
export type Conversation = {
  /** All that people asked, oldest first. */
  prompts: string[];
  /** What the turn that is under way began with, and what was said during it. Empty when nothing waits for an answer. */
  turn: Prompt[];
  lastToolResult: string;
  /** Claude Code's working directory, as it states it. */
  cwd: string | undefined;
};

type Block = MessagesRequest['messages'][number]['content'][number];

/** Claude Code's own words where a user's are expected. */
const NOT_A_PERSON =
  /<(system-reminder|task-notification|local-command-\w+|command-name|command-message|command-args)>[\s\S]*?<\/\1>/g;
const INTERRUPTED = /^\[Request interrupted by user[^\]]*\]$/;
/** How Claude Code passes on what a user says during a turn: in a message of the role `system`. */
const SAID_DURING_TURN =
  /^The user sent a new message while you were working:\n([\s\S]*?)(?:\n\nThis is how Claude Code|$)/;
const WORKING_DIRECTORY = /[Ww]orking directory: (\/[^\n]*)/;

/** Reads a conversation. All that a script's place depends on is in it, so that restarts and resumed sessions keep it. */
export function readConversation(request: MessagesRequest): Conversation {
  const conversation: Conversation = { prompts: [], turn: [], lastToolResult: '', cwd: undefined };
  const pending = new Map<string, ToolCall>();
  readSystem(conversation, request.system);
  for (const message of request.messages) {
    if (message.role === 'system') readSystem(conversation, message.content);
    else if (message.role === 'assistant') readAnswer(conversation, message.content, pending);
    else readUser(conversation, message.content, pending);
  }
  return conversation;
}

function readSystem(conversation: Conversation, blocks: Block[]): void {
  for (const block of blocks) {
    if (block.type !== 'text') continue;
    const said = SAID_DURING_TURN.exec(block.text)?.[1]?.trim();
    if (said !== undefined) addPrompt(conversation, said);
    conversation.cwd ??= WORKING_DIRECTORY.exec(block.text)?.[1]?.trim();
  }
}

function readAnswer(conversation: Conversation, blocks: Block[], pending: Map<string, ToolCall>): void {
  const calls = blocks.filter((block) => block.type === 'tool_use');
  if (calls.length === 0) conversation.turn = [];
  const toolCalls = calls.map(({ id, name, input }) => {
    const call: ToolCall = { name, input };
    pending.set(id, call);
    return call;
  });
  for (const prompt of conversation.turn) {
    prompt.calls += 1;
    prompt.toolCalls.push(...toolCalls);
  }
}

/**
 * A user's own words begin a turn, even in the midst of another: then that one failed, of which the conversation
 * keeps no trace.
 */
function readUser(conversation: Conversation, blocks: Block[], pending: Map<string, ToolCall>): void {
  const results: string[] = [];
  for (const block of blocks) {
    if (block.type === 'tool_result') {
      const { content } = block;
      const text = typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('\n');
      results.push(text);
      const call = pending.get(block.tool_use_id);
      if (call !== undefined) call.result = { text, isError: block.is_error };
    } else if (block.type === 'text') {
      const text = block.text.replaceAll(NOT_A_PERSON, '').trim();
      if (text === '') continue;
      conversation.turn = [];
      if (!INTERRUPTED.test(text)) addPrompt(conversation, text);
    }
  }
  if (results.length > 0) conversation.lastToolResult = results.join('\n');
}

function addPrompt(conversation: Conversation, text: string): void {
  conversation.turn.push({ text, place: conversation.prompts.length, calls: 0, toolCalls: [] });
  conversation.prompts.push(text);
}
