import { script } from '../e2e/client.ts';

/** Prompts for the demo model, of what an agent does that a person then has to do with. */

/** Claude Code's own question, with options, in the words of whoever asks. What is answered is said: "Heard: …". */
export function asking(question: string, ...labels: string[]): string {
  const options = labels.map((label) => ({ label, description: `All of it in ${label}` }));
  const input = { questions: [{ question, header: 'Colour', multiSelect: false, options }] };
  return script({ tool: 'AskUserQuestion', input }, { text: 'Heard: {{last_tool_result}}' });
}

/** A command, which needs a permission in a session that asks. */
export function running(command: string): string {
  return script(
    { tool: 'Bash', input: { command, description: 'What the test wants' } },
    { text: 'The command is over.' },
  );
}

/** Writes a file. */
export function writing(name: string, content: string): string {
  return script({ tool: 'Write', input: { file_path: `{{cwd}}/${name}`, content } }, { text: `Wrote ${name}.` });
}

/** Says a word so often, and so many a second. */
export function speaking(word: string, times: number, perSecond: number): string {
  return script({ text: `${word} `, repeat: times, tokens_per_second: perSecond });
}

const MARKDOWN = `## What I found

The parser drops the **last line** when it has no newline at its end. Two things follow:

1. \`read()\` loses it, and so does all that is built on it.
2. The test for it passes, for its file *has* a newline.

| file | lines | lost |
| --- | ---: | ---: |
| src/parser.ts | 42 | 1 |
| src/lines.ts | 17 | 0 |

See [the parser](src/parser.ts).`;

const BEFORE = "export const lines = (text: string) => text.split('\\n').slice(0, -1);\n";
const AFTER = "export function* lines(text: string) {\n  for (const line of text.split('\\n')) yield line;\n}\n";
const PARSER = '{{cwd}}/src/parser.ts';

/** All that a log can show of a turn: a tool that fails, a subagent, and a file that is mended, with all that a person likes to see of that. */
export function varied(): string {
  const subagent = {
    description: 'Look for callers',
    subagent_type: 'general-purpose',
    prompt: script({ text: 'There are two callers.' }),
  };
  return script(
    { tool: 'Bash', input: { command: 'cat missing.txt', description: 'Read what is not there' } },
    { tool: 'Task', input: subagent },
    ...MENDED,
  );
}

const MENDED = [
  { thinking: 'The last line has no newline. I look at the parser first, and then at its test.' },
  { text: 'I look at the parser first.' },
  { tool: 'Write', input: { file_path: PARSER, content: BEFORE } },
  { tool: 'Edit', input: { file_path: PARSER, old_string: BEFORE, new_string: AFTER } },
  {
    tool: 'Bash',
    input: { command: 'ls -la src && printf "\\033[32m17 passed\\033[0m\\n"', description: 'Run the tests' },
  },
  { text: MARKDOWN },
];
