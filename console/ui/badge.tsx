import type { ComponentChildren } from 'preact';
import type { SessionStatus } from '../../client/main.ts';

/** What a colour says. It never says it alone: there are words with it. */
export type Tone = 'neutral' | 'accent' | 'good' | 'warn' | 'bad';

/** A word or a number in a pill. */
export function Badge({ tone = 'neutral', children }: { readonly tone?: Tone; readonly children: ComponentChildren }) {
  return <span class={`ui-badge ui-tone-${tone}`}>{children}</span>;
}

/** How many wait. Nothing when none does. @param what said to screen readers: `3 waiting` */
export function Count({ of, what = 'waiting' }: { readonly of: number; readonly what?: string }) {
  if (of === 0) return null;
  return (
    <span class="ui-count">
      {of > 99 ? '99+' : of}
      <span class="visually-hidden"> {what}</span>
    </span>
  );
}

const STATUS_TONES: Readonly<Record<SessionStatus, Tone>> = {
  queued: 'neutral',
  starting: 'accent',
  idle: 'neutral',
  running: 'good',
  stopped: 'neutral',
  failed: 'bad',
};

/** A session's status as a dot. With `word`, the word stands beside it; without, it is said to screen readers. */
export function StatusDot({ status, word = false }: { readonly status: SessionStatus; readonly word?: boolean }) {
  return (
    <span class="ui-status" title={status}>
      <span class={`ui-dot ui-dot-${status} ui-tone-${STATUS_TONES[status]}`} aria-hidden="true" />
      <span class={word ? 'ui-status-word' : 'visually-hidden'}>{status}</span>
    </span>
  );
}
