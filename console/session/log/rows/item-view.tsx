import type { Item } from '../../../transcript/item.ts';
import { InteractionRow } from './interaction-row.tsx';
import { BeginRow, GapRow, NoticeRow, UnknownRow } from './notice-row.tsx';
import { PreviewRow } from './preview-row.tsx';
import { PromptRow } from './prompt-row.tsx';
import type { RowProps } from './row-props.ts';
import { TextRow, ThinkingRow } from './text-row.tsx';
import { ToolRow } from './tool-row.tsx';
import { TurnRow } from './turn-row.tsx';

/** An item of the log, as it is shown. */
export function ItemView({ item, place }: RowProps) {
  switch (item.kind) {
    case 'prompt':
      return <PromptRow item={item} place={place} />;
    case 'text':
      return <TextRow item={item} place={place} />;
    case 'thinking':
      return <ThinkingRow item={item} place={place} />;
    case 'tool':
      return <ToolRow item={item} place={place} Children={Children} />;
    case 'interaction':
      return <InteractionRow item={item} place={place} />;
    case 'begin':
      return <BeginRow item={item} place={place} />;
    case 'turn':
      return <TurnRow item={item} place={place} />;
    case 'notice':
      return <NoticeRow item={item} place={place} />;
    case 'gap':
      return <GapRow item={item} />;
    case 'unknown':
      return <UnknownRow item={item} place={place} />;
    case 'preview':
      return <PreviewRow item={item} />;
  }
  return null;
}

/** What a subagent does. Of very much, the end. */
function Children({ items, place }: { readonly items: readonly Item[] } & Pick<RowProps, 'place'>) {
  const shown = items.slice(-MAX_CHILDREN);
  return (
    <div class="log-children">
      {shown.length < items.length && (
        <p class="log-quiet">{items.length - shown.length} steps before these are not shown.</p>
      )}
      {shown.map((item) => (
        <div key={item.key} id={item.key} class={`log-item log-item-${item.kind}`}>
          <ItemView item={item} place={place} />
        </div>
      ))}
    </div>
  );
}

const MAX_CHILDREN = 200;
