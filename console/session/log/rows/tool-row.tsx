import type { FunctionComponent } from 'preact';
import { FileName } from '../../../safe/file-name.tsx';
import { SafeText } from '../../../safe/safe-text.tsx';
import { visibleText } from '../../../safe/text/visible.ts';
import type { Item, ToolItem } from '../../../transcript/item.ts';
import type { ToolLine } from '../../../transcript/tools/line.ts';
import { toolLine } from '../../../transcript/tools/tool-line.ts';
import { toolState, type ToolState } from '../../../transcript/tools/tool-state.ts';
import { Fold } from './fold.tsx';
import type { LogPlace, RowProps } from './row-props.ts';
import { ToolBody } from './tool-body.tsx';
import { When } from './when.tsx';

interface ToolRowProps extends RowProps<ToolItem> {
  readonly Children: FunctionComponent<{ readonly items: readonly Item[]; readonly place: LogPlace }>;
}

const WORDS: Readonly<Record<ToolState, string>> = {
  running: 'runs',
  background: 'goes on in the background',
  done: '',
  failed: 'failed',
  stopped: 'was stopped',
};

/** A tool's call in a line, which opens to all of it. */
export function ToolRow({ item, place, Children }: ToolRowProps) {
  const line = toolLine(item);
  const state = toolState(item);
  return (
    <Fold
      id={item.key}
      place={place}
      line={<Line line={line} state={state} item={item} />}
      label={labelOf(line, state)}
    >
      <ToolBody item={item} place={place} />
      {item.children.length > 0 && <Children items={item.children} place={place} />}
      <When time={item.time} seq={item.seq} />
    </Fold>
  );
}

function Line({ line, state, item }: { readonly line: ToolLine; readonly state: ToolState; readonly item: ToolItem }) {
  const now = state === 'running' || state === 'background' ? (item.task?.summary ?? null) : null;
  const steps = item.children.length;
  return (
    <>
      <span class={`log-state log-state-${state}`} aria-hidden="true" />
      <span class="log-tool-name">
        <SafeText text={line.name} line max={60} />
      </span>
      <span class="log-tool-what">
        {line.isPath === true ? <FileName path={line.what} /> : <SafeText text={line.what} line max={300} />}
      </span>
      {line.changed !== undefined && (
        <span class="log-changed">
          <ins>+{line.changed.added}</ins> <del>−{line.changed.removed}</del>
        </span>
      )}
      {steps > 0 && <span class="log-quiet">{steps === 1 ? '1 step' : `${steps} steps`}</span>}
      {WORDS[state] !== '' && <span class={`log-word log-word-${state}`}>{WORDS[state]}</span>}
      {now !== null && now !== '' && (
        <span class="log-now log-quiet">
          <SafeText text={now} line max={120} />
        </span>
      )}
    </>
  );
}

function labelOf({ name, what, changed }: ToolLine, state: ToolState): string {
  const lines = changed === undefined ? '' : `, ${changed.added} lines added, ${changed.removed} removed`;
  const word = WORDS[state] === '' ? '' : `, ${WORDS[state]}`;
  return `${visibleText(`${name} ${what}`.trim(), 160)}${lines}${word}`;
}
