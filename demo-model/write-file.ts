import { posix } from 'node:path';
import type { Prompt } from './conversation.ts';
import { textReply, type Reply, type ReplyBlock } from './reply.ts';

/** A prompt asks for a file if it has such a verb, and after it a name with an extension (and maybe folders). */
const FILE_VERB = /\b(?:creat|writ|mak|sav|put|add|generat|updat|produc)\w*\b/i;
const FILE_NAME = /(?<![\w:/.@-])(?!e\.g\b|i\.e\b)((?:\/|\.\/)?(?:[\w.-]+\/)*[\w-][\w.-]*\.[A-Za-z]\w{0,9})(?![\w/@])/;
const QUOTED = /["“]([^"”]+)["”]/g;

/** The file name in a prompt that asks for a file. */
export function requestedFile(prompt: string): string | undefined {
  // Claude Code itself sends long prompts, as when it asks for a summary.
  const verb = prompt.length > 4000 ? null : FILE_VERB.exec(prompt);
  return verb === null ? undefined : FILE_NAME.exec(prompt.slice(verb.index))?.[1];
}

/**
 * The next step towards a requested file: write it, read it first if Claude Code requires that, then report the result.
 *
 * @param cwd base of a relative name
 * @param tools names of the available tools
 */
export function writeFileReply(prompt: Prompt, file: string, cwd: string | undefined, tools: string[]): Reply {
  const path = posix.resolve(cwd ?? '/', file);
  const write = { file_path: path, content: fileContent(prompt.text, file) };
  const last = prompt.toolCalls.at(-1);
  if (last === undefined) {
    if (!tools.includes('Write')) return textReply(`I would write ${path}, but I was not given the Write tool.`);
    return call(`I am the demo model of CC-Docker. I will write ${file} with the Write tool.`, 'Write', write);
  }
  if (last.name === 'Read') return call(undefined, 'Write', write);
  if (last.result?.isError !== true) {
    return textReply(`I wrote ${path}. Its text is a canned one, for I am the demo model; the file is real.`);
  }
  const unread = /\bread\b/i.test(last.result.text) && !prompt.toolCalls.some(({ name }) => name === 'Read');
  if (unread && tools.includes('Read')) {
    return call(`${file} exists: I will read it before I replace it.`, 'Read', { file_path: path });
  }
  return textReply(`I could not write ${path}. The Write tool said: ${last.result.text}`);
}

function call(text: string | undefined, name: string, input: Record<string, unknown>): Reply {
  const preamble: ReplyBlock[] = text === undefined ? [] : [{ type: 'text', text }];
  return { blocks: [...preamble, { type: 'tool_use', name, input }], ending: { kind: 'stop' } };
}

/** A haiku if asked for one, else the prompt's quoted text, else a note. Ends with a newline. */
function fileContent(prompt: string, file: string): string {
  if (/\bhaikus?\b/i.test(prompt)) return haiku(prompt);
  const quoted = [...prompt.matchAll(QUOTED)].map((match) => match[1] ?? '').find((text) => text.trim() !== file);
  if (quoted !== undefined) return `${quoted}\n`;
  const note = `Written by the demo model of CC-Docker, which was asked: ${prompt.replaceAll(/\s+/g, ' ')}`;
  switch (posix.extname(file)) {
    case '.json':
      return `${JSON.stringify({ note }, undefined, 2)}\n`;
    case '.js':
    case '.mjs':
    case '.ts':
    case '.go':
    case '.rs':
    case '.c':
    case '.java':
      return `// ${note}\n`;
    case '.py':
    case '.rb':
    case '.sh':
    case '.yml':
    case '.yaml':
    case '.toml':
      return `# ${note}\n`;
    default:
      return `${note}\n`;
  }
}

function haiku(prompt: string): string {
  return /container|docker/i.test(prompt)
    ? 'Small sealed box of work,\nnothing leaves it but these words,\nthen it sleeps again.\n'
    : 'A script, not a mind,\nwrites the same small lines each time:\nfive, seven, and five.\n';
}
