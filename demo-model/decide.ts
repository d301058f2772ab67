import { readConversation, type Conversation, type Prompt } from './conversation.ts';
import { jsonForSchema, wantedSchema } from './json-answer.ts';
import type { MessagesRequest } from './messages-request.ts';
import { textReply, type Reply } from './reply.ts';
import { scriptReply } from './script-reply.ts';
import { findScript, withoutScript } from './script.ts';
import { templateVariables } from './template.ts';
import { requestedFile, writeFileReply } from './write-file.ts';

const HOW_TO_GET_CLAUDE =
  'To talk to Claude, set ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN or CLAUDE_CODE_OAUTH_TOKEN where CC-Docker runs, and start it again.';

const SYNTAX = `A script is a JSON array of steps in a fenced block:

\`\`\`\`
\`\`\`demo
[
  {"text": "I will look. ", "tokens_per_second": 20},
  {"tool": "Bash", "input": {"command": "ls"}},
  {"error": {"status": 529, "times": 1}},
  {"text": "It said: {{last_tool_result}}"}
]
\`\`\`
\`\`\`\`

Steps: text (repeat, tokens_per_second), thinking, tool (input), tools, error (status, type, message, retry_after, times), stop (reason, times), cut, hang.`;

/**
 * Tells whether a failing step fails this time. Each call counts as one use of the step.
 *
 * @param prompt the prompt that holds the script
 * @param step the step's index in the script
 * @param times how often the step fails; undefined: always
 */
export type FailingStep = (prompt: { index: number; text: string }, step: number, times: number | undefined) => boolean;

/** Decides the reply to a request. Pure: no clock, no I/O. */
export function decide(request: MessagesRequest, failing: FailingStep): Reply {
  const schema = wantedSchema(request);
  const conversation = readConversation(request);
  const prompt = conversation.turn.at(-1);
  if (schema !== undefined) return textReply(jsonForSchema(schema, withoutScript(prompt?.text ?? '')));
  if (prompt === undefined) return textReply('I am the demo model of CC-Docker, and nothing new was asked.');
  return (
    scriptedReply(request, conversation, failing) ??
    fileReply(request, conversation) ??
    plainReply(conversation, prompt)
  );
}

/** Continues the latest script of the turn. A plain message during the turn does not end a script; a newer script does. */
function scriptedReply(request: MessagesRequest, conversation: Conversation, failing: FailingStep): Reply | undefined {
  for (const prompt of conversation.turn.toReversed()) {
    const found = findScript(prompt.text);
    if (found.kind === 'none') continue;
    if (found.kind === 'invalid') {
      return textReply(`I am the demo model, and cannot follow this script: ${found.why}\n\n${SYNTAX}`);
    }
    const variables = templateVariables(conversation, request.model, prompt.toolCalls);
    const reply = scriptReply(found.steps, prompt.calls, variables, (step, times) => failing(prompt, step, times));
    return reply ?? textReply('I am the demo model: the script has ended.');
  }
  return undefined;
}

function fileReply(request: MessagesRequest, conversation: Conversation): Reply | undefined {
  const tools = request.tools.flatMap(({ name }) => name ?? []);
  for (const prompt of conversation.turn.toReversed()) {
    const file = requestedFile(prompt.text);
    if (file !== undefined) return writeFileReply(prompt, file, conversation.cwd, tools);
  }
  return undefined;
}

function plainReply({ prompts }: Conversation, prompt: Prompt): Reply {
  const sentences = [
    `I am the demo model of CC-Docker: a small script, not Claude. You said: “${shortened(prompt.text)}”.`,
  ];
  const [first] = prompts;
  if (first !== undefined && prompts.length > 1) {
    sentences.push(`That is message ${prompts.length} of this conversation; the first was: “${shortened(first)}”.`);
  }
  sentences.push('Name a file (“Create hello.md with a haiku”) and I will write it.', HOW_TO_GET_CLAUDE);
  return textReply(sentences.join(' '));
}

function shortened(prompt: string): string {
  const text = withoutScript(prompt).replaceAll(/\s+/g, ' ');
  if (text === '') return '(a script)';
  return text.length <= 200 ? text : `${text.slice(0, 199)}…`;
}
