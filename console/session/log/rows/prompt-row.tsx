import { SafeText } from '../../../safe/safe-text.tsx';
import type { PromptItem } from '../../../transcript/item.ts';
import { Badge } from '../../../ui/badge.tsx';
import type { RowProps } from './row-props.ts';
import { When } from './when.tsx';

const STATES: Readonly<
  Record<PromptItem['state'], { readonly text: string; readonly tone: 'neutral' | 'warn' | 'bad' } | null>
> = {
  queued: { text: 'Waits', tone: 'neutral' },
  processing: null,
  held: { text: 'Waits for the usage limit', tone: 'warn' },
  completed: null,
  failed: { text: 'Failed', tone: 'bad' },
  interrupted: { text: 'Interrupted', tone: 'warn' },
  withdrawn: { text: 'Withdrawn', tone: 'neutral' },
};

/** What was said to the agent. It is the heading of the turn that it begins. */
export function PromptRow({ item }: RowProps<PromptItem>) {
  const state = STATES[item.state];
  return (
    <section class={`log-prompt ${item.state === 'queued' ? 'log-prompt-waits' : ''}`}>
      <header class="log-head">
        <h2>{item.isWakeup ? 'Wake-up' : 'Prompt'}</h2>
        {item.isSteered && <Badge>Into the running turn</Badge>}
        {state !== null && <Badge tone={state.tone}>{state.text}</Badge>}
        {item.isUnsettled && <Badge tone="accent">Subagents still work</Badge>}
        <When time={item.time} seq={item.seq} />
      </header>
      <div class="log-said">
        {item.text === '' ? <em>It is no longer stored.</em> : <SafeText text={item.text} max={1000} />}
      </div>
      {item.retryAt !== null && (
        <p class="log-quiet">Its turn begins at {new Date(item.retryAt).toLocaleTimeString()}.</p>
      )}
    </section>
  );
}
