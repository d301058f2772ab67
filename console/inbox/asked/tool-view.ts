/** A part of a tool's input, as a person can judge it. */
export type ToolPart =
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'change'; readonly path: string; readonly before: string; readonly after: string }
  | { readonly kind: 'file'; readonly path: string; readonly content: string }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'address'; readonly url: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'plan'; readonly markdown: string }
  /** All that no part above shows: nothing of an input is hidden from whoever decides. */
  | { readonly kind: 'rest'; readonly fields: Readonly<Record<string, unknown>> };

/** A tool's use, as it is asked for. */
export interface ToolView {
  /** In a line: `Bash: ls -la`. */
  readonly title: string;
  readonly parts: readonly ToolPart[];
  readonly isPlan: boolean;
}

type Input = Readonly<Record<string, unknown>>;

/** Which fields of a tool's input are shown how. The first that is text stands in the title. */
type Shown = (input: Input) => { readonly parts: readonly ToolPart[]; readonly used: readonly string[] } | undefined;

const TOOLS: ReadonlyMap<string, Shown> = new Map<string, Shown>([
  ['Bash', (input) => of(input, ['command', 'description'], commandOf)],
  ['Edit', (input) => of(input, ['file_path', 'old_string', 'new_string'], editOf)],
  ['MultiEdit', (input) => of(input, ['file_path', 'edits'], editsOf)],
  ['Write', (input) => of(input, ['file_path', 'content'], writeOf)],
  ['NotebookEdit', (input) => of(input, ['notebook_path', 'new_source'], notebookOf)],
  ['Read', (input) => of(input, ['file_path'], pathOf)],
  ['WebFetch', (input) => of(input, ['url', 'prompt'], fetchOf)],
  ['WebSearch', (input) => of(input, ['query'], queryOf)],
  ['ExitPlanMode', (input) => of(input, ['plan'], planOf)],
]);

/**
 * What a tool is to be used for. An input that is not as its tool's should be is shown as it is, field by field.
 *
 * @param input null: it is not there
 */
export function toolView(tool: string, input: Input | null): ToolView {
  const isPlan = tool === 'ExitPlanMode';
  const name = isPlan ? 'Plan' : shortName(tool);
  if (input === null) return { title: name, parts: [], isPlan };
  const shown = TOOLS.get(tool)?.(input) ?? { parts: [], used: [] };
  const fields = Object.fromEntries(Object.entries(input).filter(([key]) => !shown.used.includes(key)));
  const rest: readonly ToolPart[] = Object.keys(fields).length > 0 ? [{ kind: 'rest', fields }] : [];
  const about = aboutOf(shown.parts) ?? (shown.parts.length === 0 ? firstText(input) : undefined);
  return {
    title: about === undefined ? name : `${name}: ${firstLine(about)}`,
    parts: [...shown.parts, ...rest],
    isPlan,
  };
}

/** `mcp__github__create_issue` is `github: create_issue`. */
function shortName(tool: string): string {
  const [, server, name] = /^mcp__(.+?)__(.+)$/.exec(tool) ?? [];
  return server !== undefined && name !== undefined ? `${server} ${name}` : tool;
}

function aboutOf(parts: readonly ToolPart[]): string | undefined {
  for (const part of parts) {
    if (part.kind === 'command' || part.kind === 'text') return part.text;
    if (part.kind === 'change' || part.kind === 'file' || part.kind === 'path') return shortPath(part.path);
    if (part.kind === 'address') return part.url;
    if (part.kind === 'plan') return firstLine(part.markdown.replace(/^[#\s]+/, ''));
  }
  return undefined;
}

/** The last two names of a path: in whole it stands below. */
function shortPath(path: string): string {
  const names = path.split('/').filter((name) => name !== '');
  return names.length > 2 ? `…/${names.slice(-2).join('/')}` : path;
}

const firstText = (input: Input) => Object.values(input).find((value): value is string => typeof value === 'string');

function firstLine(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  return line.length < text.trim().length ? `${line} …` : line;
}

/** The parts, where the fields are texts; `used`: the fields that they show. */
function of(
  input: Input,
  names: readonly string[],
  make: (input: Input, text: (name: string) => string | undefined) => readonly ToolPart[] | undefined,
): ReturnType<Shown> {
  const parts = make(input, (name) => (typeof input[name] === 'string' ? input[name] : undefined));
  return parts && { parts, used: names.filter((name) => isShown(input, name)) };
}

/** A field is shown where it is a text; `edits` became parts, each of them. */
const isShown = (input: Input, name: string) => typeof input[name] === 'string' || name === 'edits';

type Text = (name: string) => string | undefined;

function commandOf(_: Input, text: Text): readonly ToolPart[] | undefined {
  const command = text('command');
  const about = text('description');
  if (command === undefined) return undefined;
  return [{ kind: 'command', text: command }, ...(about === undefined ? [] : [{ kind: 'text' as const, text: about }])];
}

function editOf(_: Input, text: Text): readonly ToolPart[] | undefined {
  const [path, before, after] = [text('file_path'), text('old_string'), text('new_string')];
  if (path === undefined || before === undefined || after === undefined) return undefined;
  return [{ kind: 'change', path, before, after }];
}

function editsOf({ edits }: Input, text: Text): readonly ToolPart[] | undefined {
  const path = text('file_path');
  if (path === undefined || !Array.isArray(edits)) return undefined;
  const parts = edits.map((edit: unknown) => changeOf(path, edit));
  return parts.every((part) => part !== undefined) ? parts : undefined;
}

function changeOf(path: string, edit: unknown): ToolPart | undefined {
  if (typeof edit !== 'object' || edit === null) return undefined;
  const { old_string: before, new_string: after, ...more } = edit as Input;
  // An edit with more than this is shown as it is: `replace_all` matters.
  if (typeof before !== 'string' || typeof after !== 'string' || Object.keys(more).length > 0) return undefined;
  return { kind: 'change', path, before, after };
}

function writeOf(_: Input, text: Text): readonly ToolPart[] | undefined {
  const [path, content] = [text('file_path'), text('content')];
  return path === undefined || content === undefined ? undefined : [{ kind: 'file', path, content }];
}

function notebookOf(_: Input, text: Text): readonly ToolPart[] | undefined {
  const [path, content] = [text('notebook_path'), text('new_source')];
  return path === undefined || content === undefined ? undefined : [{ kind: 'file', path, content }];
}

function pathOf(_: Input, text: Text): readonly ToolPart[] | undefined {
  const path = text('file_path');
  return path === undefined ? undefined : [{ kind: 'path', path }];
}

function fetchOf(_: Input, text: Text): readonly ToolPart[] | undefined {
  const [url, prompt] = [text('url'), text('prompt')];
  if (url === undefined) return undefined;
  return [{ kind: 'address', url }, ...(prompt === undefined ? [] : [{ kind: 'text' as const, text: prompt }])];
}

function queryOf(_: Input, text: Text): readonly ToolPart[] | undefined {
  const query = text('query');
  return query === undefined ? undefined : [{ kind: 'text', text: query }];
}

function planOf(_: Input, text: Text): readonly ToolPart[] | undefined {
  const markdown = text('plan');
  return markdown === undefined ? undefined : [{ kind: 'plan', markdown }];
}
