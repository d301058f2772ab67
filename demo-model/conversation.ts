import type { MessagesRequest } from './messages-request.ts';

export type ToolCall = {
  name: string;
  input: Record<string, unknown>;
  result?: { text: string; isError: boolean };
};

/** One message from a person. */
export type Prompt = {
  text: string;
  /** Its index among all prompts of the conversation. */
  index: number;
  /** How many model calls have answered it so far. */
  calls: number;
  /** The tools that those calls used, oldest first. */
  toolCalls: ToolCall[];
};

/** A conversation as the demo model sees it. */
export type Conversation = {
  /** All prompts, oldest first. */
  prompts: string[];
  /** The prompts of the current turn: the one that began it, and those sent during it. Empty when none waits. */
  turn: Prompt[];
  /** The prompts that the answer before was for. */
  answered: Prompt[];
  lastToolResult: string;
  /** The working directory that Claude Code names in its system prompt. */
  cwd: string | undefined;
};

type Block = MessagesRequest['messages'][number]['content'][number];

/** Blocks that Claude Code itself puts into a user message. */
const INJECTED =
  /<(system-reminder|task-notification|local-command-\w+|command-name|command-message|command-args)>[\s\S]*?<\/\1>/g;
const INTERRUPTED = /^\[Request interrupted by user[^\]]*\]$/;
/** Claude Code passes on a message that was sent during a turn in a message of the role `system`. */
const SENT_DURING_TURN =
  /^The user sent a new message while you were working:\n([\s\S]*?)(?:\n\nThis is how Claude Code|$)/;
/** With these words Claude Code itself has the model go on after an answer that was cut off or stopped: the turn goes on. */
const GO_ON = /^(Output token limit hit\.|Your response above was stopped by a safety classifier)/;
const WORKING_DIRECTORY = /[Ww]orking directory: (\/[^\n]*)/;

/**
 * Reads a conversation. The position in a script follows from it alone, so a restarted or resumed session continues at
 * the same step.
 */
export function readConversation(request: MessagesRequest): Conversation {
  const conversation: Conversation = { prompts: [], turn: [], answered: [], lastToolResult: '', cwd: undefined };
  const pending = new Map<string, ToolCall>();
  readSystem(conversation, request.system);
  for (const message of request.messages) {
    if (message.role === 'system') readSystem(conversation, message.content);
    else if (message.role === 'assistant') readAssistant(conversation, message.content, pending);
    else readUser(conversation, message.content, pending);
  }
  return conversation;
}

function readSystem(conversation: Conversation, blocks: Block[]): void {
  for (const block of blocks) {
    if (block.type !== 'text') continue;
    const prompt = SENT_DURING_TURN.exec(block.text)?.[1]?.trim();
    if (prompt !== undefined) addPrompt(conversation, prompt);
    conversation.cwd ??= WORKING_DIRECTORY.exec(block.text)?.[1]?.trim();
  }
}

function readAssistant(conversation: Conversation, blocks: Block[], pending: Map<string, ToolCall>): void {
  const calls = blocks.filter((block) => block.type === 'tool_use');
  if (calls.length === 0) {
    // Claude Code may send the parts of one answer as messages of their own.
    if (conversation.turn.length > 0) conversation.answered = conversation.turn;
    conversation.turn = [];
  }
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
 * A person's text begins a new turn. If the turn before it has no answer, that turn failed: a conversation does not
 * record failures.
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
      const text = block.text.replaceAll(INJECTED, '').trim();
      if (text === '') continue;
      if (GO_ON.test(text)) {
        if (conversation.turn.length === 0) conversation.turn = conversation.answered;
        continue;
      }
      conversation.turn = [];
      if (!INTERRUPTED.test(text)) addPrompt(conversation, text);
    }
  }
  if (results.length > 0) conversation.lastToolResult = results.join('\n');
}

function addPrompt(conversation: Conversation, text: string): void {
  conversation.turn.push({ text, index: conversation.prompts.length, calls: 0, toolCalls: [] });
  conversation.prompts.push(text);
}
