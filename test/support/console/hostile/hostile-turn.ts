import { script } from '../../e2e/client.ts';
import { MARKDOWN } from './markdown.ts';
import { MARKUP } from './markup.ts';
import { TEXT } from './text.ts';

/** The mark before a payload, by which a test sees that what follows is shown. */
const markOf = (index: number): string => `payload ${index}.`;

/** Names that a file can have. */
function fileNames(texts: readonly string[]): readonly string[] {
  return texts.filter((text) => !/[/\0]|^\.{0,2}$/.test(text) && text.isWellFormed() && Buffer.byteLength(text) < 200);
}

/**
 * A prompt by which the demo model says, thinks and does all that is hostile: it writes files with such names and such contents, prints
 * them, calls tools that there are not, shares an artifact, and sends a word to people.
 *
 * @param host stands for `CANARY`
 */
export function hostileTurn(host: string): { readonly prompt: string; readonly marks: number } {
  const all = [...MARKUP, ...MARKDOWN, ...TEXT].map((payload) => payload.replaceAll('CANARY', host));
  const texts: object[] = [];
  for (let at = 0; at < all.length; at += 15)
    texts.push({
      text: all
        .slice(at, at + 15)
        .map((payload, index) => `${markOf(at + index)}\n\n${payload}`)
        .join('\n\n'),
    });
  const everything = all.join('\n');
  // Each is a card and a row: a third of them does.
  const names = fileNames([...TEXT, ...MARKUP.slice(40, 70)]).filter((_, index) => index % 3 === 0);
  const steps = [
    { thinking: everything },
    ...texts,
    { tools: names.map((name) => ({ tool: 'Write', input: { file_path: `{{cwd}}/${name}`, content: name } })) },
    { tools: [{ tool: 'Write', input: { file_path: '{{cwd}}/all.md', content: everything } }] },
    {
      tools: [
        { tool: 'Bash', input: { command: 'cat all.md', description: all[0] } },
        { tool: 'Read', input: { file_path: '{{cwd}}/all.md' } },
        { tool: 'Grep', input: { pattern: all[1], path: all[2] } },
        { tool: 'Edit', input: { file_path: '{{cwd}}/all.md', old_string: all[0], new_string: all[3] } },
        { tool: 'TodoWrite', input: { todos: [{ content: all[4], status: 'pending', activeForm: all[5] }] } },
        { tool: 'Task', input: { description: all[6], prompt: everything.slice(0, 3000), subagent_type: all[7] } },
        { tool: 'WebFetch', input: { url: `http://${host}/fetch`, prompt: all[8] } },
        { tool: 'mcp__cc-docker__share_artifact', input: { path: 'all.md', name: all[9] } },
        { tool: 'mcp__cc-docker__notify_user', input: { message: everything.slice(0, 1500) } },
        ...['__proto__', 'constructor', 'toString', all[0], all[40], 'mcp__<b>__<img src=x>'].map((tool) => ({
          tool,
          input: JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"<img src=x onerror=hit()>":["<b>",null]}'),
        })),
      ],
    },
    { text: `${markOf(all.length)} The end.` },
  ];
  return { prompt: script(...steps), marks: all.length + 1 };
}

/** A prompt by which a child's answer is hostile, with a mark. It is no longer than what its parent is told of it. @param host stands for `CANARY` */
export function hostileAnswer(host: string, mark: number): string {
  const some = [...MARKUP.slice(0, 20), ...MARKDOWN.slice(0, 20), ...TEXT.slice(0, 10)];
  return script({ text: [markOf(mark), ...some].join('\n\n').replaceAll('CANARY', host) });
}

/** Labels that a shared port can have: agents give them too. @param host stands for `CANARY` */
export function hostileLabels(host: string): readonly string[] {
  return [...MARKUP, ...MARKDOWN, ...TEXT]
    .map((text) => text.replaceAll('CANARY', host).trim())
    .filter((text) => text !== '' && text.length <= 64 && text.isWellFormed() && !/[\0\n]/.test(text))
    .filter((_, index) => index % 8 === 0)
    .slice(0, 15);
}

/** A prompt by which the agent asks people, in words that are hostile. */
export function hostileQuestion(): string {
  const options = MARKUP.slice(0, 4).map((payload, index) => ({
    label: `${payload.slice(0, 150)} ${index}`,
    description: MARKDOWN[index],
    preview: MARKUP.slice(index * 10, index * 10 + 10).join('\n'),
  }));
  const questions = [
    {
      question: `${MARKDOWN.slice(0, 5).join(' ')} ${TEXT.slice(0, 12).join(' ')}?`,
      header: '\u202e<b>',
      multiSelect: false,
      options,
    },
    { question: `${MARKUP[60]}?`, header: '__proto__', multiSelect: true, options },
  ];
  return script({ tool: 'AskUserQuestion', input: { questions } }, { text: 'Heard: {{last_tool_result}}' });
}

/** A prompt by which the agent wants what needs a permission. (Of a command with hidden characters, Claude Code asks nobody: it refuses it.) */
export function hostileWish(): string {
  const input = { file_path: '{{cwd}}/invoice\u202efdp.exe', content: [...MARKUP, ...TEXT].join('\n') };
  return script({ tool: 'Write', input }, { text: 'It is over.' });
}
