import { Markdown } from '../../../safe/markdown/markdown.tsx';
import { SafeText } from '../../../safe/safe-text.tsx';
import type { PreviewItem } from '../../../transcript/item.ts';

/** What the agent writes just now. */
export function PreviewRow({ item }: { readonly item: PreviewItem }) {
  if (item.block === 'text')
    return (
      <div class="log-text log-live">
        <Markdown text={item.text} live />
      </div>
    );
  if (item.block === 'thinking')
    return (
      <div class="log-live">
        <p class="log-quiet">Thinks…</p>
        <div class="log-thought">
          <SafeText text={item.text.slice(-600)} max={600} />
        </div>
      </div>
    );
  return (
    <p class="log-notice log-live">
      <span class="log-state log-state-running" aria-hidden="true" />
      <span class="log-quiet">
        Writes a call of <SafeText text={item.name ?? 'a tool'} line max={60} />
        {item.text.length > 200 && `: ${item.text.length} characters`}…
      </span>
    </p>
  );
}
