import { effect, signal } from '@preact/signals';
import { inbox } from '../service/live.ts';
import { isResting } from '../service/resting.ts';

/** What the page is called that is shown now. `''`: the console alone. */
export const pageTitle = signal('');

/** Keeps the document's title, `(2) Inbox – CC-Docker`, and the number on the app's icon. @returns what ends that */
export function keepTitle(): () => void {
  return effect(() => {
    const count = inbox.value.length;
    const name = pageTitle.value === '' ? 'CC-Docker' : `${pageTitle.value} – CC-Docker`;
    // A tab that rests does not know the number.
    if (isResting.value) {
      document.title = name;
      return;
    }
    document.title = count > 0 ? `(${count}) ${name}` : name;
    // Not every browser has it, and where the app is not installed it does nothing.
    if ('setAppBadge' in navigator) navigator.setAppBadge(count).catch(ignoreNoBadge);
  });
}

/** A browser may refuse the badge, for example in a private window. The count is in the title as well. */
function ignoreNoBadge(): void {}
