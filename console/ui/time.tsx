import { signal, useComputed } from '@preact/signals';
import { agoText, deadlineText, durationText } from './text/time-text.ts';

let timer: ReturnType<typeof setInterval> | undefined;

/**
 * The time, milliseconds, as one timer for the whole page says it each second. It runs while something on the page shows it.
 * Read `now.value` in a component or a computed signal.
 */
export const now = signal(Date.now(), {
  watched() {
    now.value = Date.now();
    timer = setInterval(tick, 1000);
  },
  unwatched() {
    clearInterval(timer);
  },
});

function tick(): void {
  now.value = Date.now();
}

/** One for the page: to make one takes longer than to use it. */
const FORMAT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** How long ago, ticking: `5 min ago`. @param at ISO 8601 */
export function RelativeTime({ at }: { readonly at: string }) {
  const instant = Date.parse(at);
  // A computed signal as a text: only the text changes in the page, and only when it differs.
  const text = useComputed(() => agoText(instant, now.value));
  return (
    <time dateTime={at} title={FORMAT.format(instant)} class="ui-time">
      {text}
    </time>
  );
}

/** What is left until a deadline, ticking, with a warning when it is near. @param at ISO 8601 */
export function Countdown({ at }: { readonly at: string }) {
  const instant = Date.parse(at);
  const left = useComputed(() => deadlineText(instant, now.value));
  const text = useComputed(() => left.value.text);
  const style = useComputed(() => `ui-countdown ui-countdown-${left.value.urgency}`);
  return (
    <time dateTime={at} title={`until ${FORMAT.format(instant)}`} class={style}>
      {text}
    </time>
  );
}

/** How long something took. @param ms milliseconds */
export function Duration({ ms }: { readonly ms: number }) {
  return <span class="ui-number">{durationText(ms)}</span>;
}
