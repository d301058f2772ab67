import { Markdown } from '../../../safe/markdown/markdown.tsx';
import { SafeText } from '../../../safe/safe-text.tsx';
import type { TextItem, ThinkingItem } from '../../../transcript/item.ts';
import { durationText } from '../../../ui/text/time-text.ts';
import { Fold } from './fold.tsx';
import type { RowProps } from './row-props.ts';
import { When } from './when.tsx';

/** What the agent says. */
export function TextRow({ item, place }: RowProps<TextItem>) {
  return (
    <div class="log-text">
      <Markdown text={item.text} hrefOfPath={place.hrefOfPath} />
      {item.isCut && <p class="log-quiet">Interrupted here.</p>}
      <When time={item.time} seq={item.seq} />
    </div>
  );
}

/** What the agent thinks: folded. */
export function ThinkingRow({ item, place }: RowProps<ThinkingItem>) {
  const time = item.ms === null || item.ms < 1000 ? '' : ` for ${durationText(item.ms)}`;
  if (item.text === '') return <p class="log-quiet">Thought{time}</p>;
  return (
    <Fold id={item.key} place={place} line={<span class="log-quiet">Thought{time}</span>}>
      <div class="log-thought">
        <SafeText text={item.text} max={8000} />
      </div>
    </Fold>
  );
}
