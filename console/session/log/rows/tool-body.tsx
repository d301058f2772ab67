import { ToolInput } from '../../../inbox/asked/tool-input.tsx';
import { toolView } from '../../../inbox/asked/tool-view.ts';
import { Ansi } from '../../../safe/ansi/ansi.tsx';
import { Code } from '../../../safe/code.tsx';
import { Diff } from '../../../safe/diff/diff.tsx';
import { Json } from '../../../safe/json.tsx';
import { Markdown } from '../../../safe/markdown/markdown.tsx';
import { SafeImage } from '../../../safe/safe-image.tsx';
import { fieldsOf, stringOf, type Fields } from '../../../transcript/fields.ts';
import type { ToolItem, ToolResult } from '../../../transcript/item.ts';
import { patchOf } from '../../../transcript/tools/changed-lines.ts';
import { isInWorkspace, shownPath } from '../../../transcript/tools/shown-path.ts';
import { changeHref } from '../../files/tree.ts';
import type { RowProps } from './row-props.ts';

/** Tools whose result says no more than that they did what their input says. */
const PLAIN = new Set(['Edit', 'MultiEdit', 'Write', 'NotebookEdit', 'AskUserQuestion']);
/** Tools that change a file. */
const CHANGES = new Set(['Edit', 'MultiEdit', 'Write', 'NotebookEdit']);
/** Tools that write to a terminal. */
const TERMINAL = new Set(['Bash', 'BashOutput', 'TaskOutput', 'PowerShell']);
/** Tools whose result is an agent's report. */
const REPORTS = new Set(['Task', 'Agent', 'WebFetch', 'WebSearch']);

/** What a tool was given, and what it gave back. */
export function ToolBody({ item, place }: RowProps<ToolItem>) {
  const { result, task } = item;
  const patch = patchOf(item);
  return (
    <>
      {patch === null ? <Input item={item} /> : <Diff patch={patch} />}
      <ChangeLink item={item} sessionId={place.sessionId} />
      {result !== null && (result.isError || !PLAIN.has(item.name)) && (
        <Result item={item} result={result} hrefOfPath={place.hrefOfPath} />
      )}
      {result === null && item.isStopped && <p class="log-quiet">The turn ended before it had a result.</p>}
      {task?.isBackground === true && task.status !== 'running' && task.summary !== null && (
        <div class="log-report">
          <Markdown text={task.summary} hrefOfPath={place.hrefOfPath} />
        </div>
      )}
    </>
  );
}

/** From a call that changes a file, to all that has become of the file. */
function ChangeLink({ item, sessionId }: { readonly item: ToolItem; readonly sessionId: string }) {
  const path = stringOf(item.input['file_path']) ?? stringOf(item.input['notebook_path']);
  if (!CHANGES.has(item.name) || path === null || !isInWorkspace(path)) return null;
  return (
    <p>
      <a href={changeHref(sessionId, shownPath(path))}>All changes of this file</a>
    </p>
  );
}

function Input({ item }: { readonly item: ToolItem }) {
  if (Object.keys(item.input).length === 0) return null;
  if (item.name === 'Task' || item.name === 'Agent') {
    const prompt = stringOf(item.input['prompt']);
    if (prompt !== null) return <Code text={prompt} />;
  }
  return <ToolInput view={toolView(item.name, item.input)} />;
}

interface ResultProps {
  readonly item: ToolItem;
  readonly result: ToolResult;
  readonly hrefOfPath: (path: string) => string | null;
}

function Result({ item, result, hrefOfPath }: ResultProps) {
  if (result.blocks.length === 0) return <p class="log-quiet">No output.</p>;
  return (
    <div class={`log-result ${result.isError ? 'log-result-failed' : ''}`}>
      {result.blocks.map((block, index) => (
        <Block key={index} name={item.name} block={block} hrefOfPath={hrefOfPath} />
      ))}
    </div>
  );
}

interface BlockProps {
  readonly name: string;
  readonly block: Fields;
  readonly hrefOfPath: (path: string) => string | null;
}

function Block({ name, block, hrefOfPath }: BlockProps) {
  if (block['type'] === 'text') {
    const text = withoutTag(stringOf(block['text']) ?? '');
    if (TERMINAL.has(name)) return <Ansi text={text} />;
    if (REPORTS.has(name)) return <Markdown text={text} hrefOfPath={hrefOfPath} />;
    return <Code text={text} />;
  }
  if (block['type'] === 'image') {
    const source = fieldsOf(block['source']);
    const base64 = stringOf(source['data']);
    const mediaType = stringOf(source['media_type']);
    if (base64 !== null && mediaType !== null) return <SafeImage mediaType={mediaType} base64={base64} />;
  }
  return <Json value={block} />;
}

/** What Claude Code writes around an error is for the model. */
const withoutTag = (text: string): string => text.replace(/^<tool_use_error>([^]*)<\/tool_use_error>$/, '$1');
