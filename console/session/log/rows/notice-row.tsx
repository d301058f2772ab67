import { Code } from '../../../safe/code.tsx';
import { Json } from '../../../safe/json.tsx';
import { SafeText } from '../../../safe/safe-text.tsx';
import type { BeginItem, GapItem, NoticeItem, UnknownItem } from '../../../transcript/item.ts';
import { Fold } from './fold.tsx';
import type { RowProps } from './row-props.ts';
import { When } from './when.tsx';

/** What became of the session and what belongs to it. */
export function NoticeRow({ item, place }: RowProps<NoticeItem>) {
  const line = (
    <span class={`log-notice-text log-tone-${item.tone}`}>
      <SafeText text={item.text} line max={400} />
    </span>
  );
  if (item.detail !== null)
    return (
      <Fold id={item.key} place={place} line={line}>
        <Code text={item.detail} />
      </Fold>
    );
  return (
    <p class="log-notice">
      {line}
      {item.sessionId !== null && <a href={`/sessions/${item.sessionId}`}>Open</a>}
      <When time={item.time} seq={item.seq} />
    </p>
  );
}

/** The heading of a turn that the agent begins itself. */
export function BeginRow({ item }: RowProps<BeginItem>) {
  return (
    <header class="log-head log-begin">
      <h2>The agent goes on by itself</h2>
      <When time={item.time} seq={item.seq} />
    </header>
  );
}

/** Events that are gone. */
export function GapRow({ item }: { readonly item: GapItem }) {
  return (
    <p class="log-quiet">
      Events {item.from} to {item.to} are no longer stored.
    </p>
  );
}

/** What this version has no picture of. */
export function UnknownRow({ item, place }: RowProps<UnknownItem>) {
  const line = (
    <span class="log-quiet">
      <SafeText text={item.type} line max={100} />
    </span>
  );
  return (
    <Fold id={item.key} place={place} line={line}>
      <Json value={item.data} />
    </Fold>
  );
}
