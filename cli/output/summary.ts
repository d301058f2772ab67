const MAX_CHARS = 100;
/** The arguments that describe a tool call best, in order of preference. */
const DESCRIPTIVE = [
  'file_path',
  'notebook_path',
  'command',
  'pattern',
  'url',
  'query',
  'description',
  'skill',
  'prompt',
];
/** The workspace's path, in a container and on the process backend. */
const WORKSPACE = /(?<=^|[\s'"`])(?:\/workspace\/|\S*\/sessions\/[0-9a-f-]{36}\/workspace\/)/g;

/** A tool call in one line: `Write hello.md`. */
export function summariseTool(name: string, input: Readonly<Record<string, unknown>>): string {
  const shown = name.replace(/^mcp__(.+?)__/, '$1: ');
  const argument = DESCRIPTIVE.map((key) => input[key]).find((value) => typeof value === 'string');
  return typeof argument === 'string' ? shorten(`${shown} ${firstLine(argument).replaceAll(WORKSPACE, '')}`) : shown;
}

/** A tool's result in one line. */
export function summariseResult(text: string): string {
  const all = text
    .replaceAll(WORKSPACE, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const [first = '(no output)', ...rest] = all;
  return rest.length === 0
    ? shorten(first)
    : `${shorten(first)} … ${rest.length} more ${rest.length === 1 ? 'line' : 'lines'}`;
}

/** The first line of a text, with `…` when there is more. */
export function firstLine(text: string): string {
  const [first = '', ...rest] = text.trim().split('\n');
  return rest.length === 0 ? first : `${first} …`;
}

function shorten(text: string): string {
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS - 1)}…` : text;
}

/** What is asked of a person. */
export type Subject =
  | { readonly kind: 'question'; readonly questions: readonly { readonly question: string }[] }
  | {
      readonly kind: 'permission';
      readonly tool_name: string;
      readonly input?: Readonly<Record<string, unknown>> | null | undefined;
    };

/** What is asked of a person, in one line. */
export function subjectLine(subject: Subject): string {
  if (subject.kind === 'permission') return `may it use ${summariseTool(subject.tool_name, subject.input ?? {})}`;
  return subject.questions.map(({ question }) => firstLine(question)).join(' / ');
}
