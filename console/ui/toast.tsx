import { signal } from '@preact/signals';
import { IconButton } from './button.tsx';

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: 'neutral' | 'good' | 'bad';
}

const toasts = signal<readonly Toast[]>([]);
let lastId = 0;

/** A word that goes by itself, milliseconds. What failed stays longer, for it must be read. */
const SHOWN = { neutral: 5000, good: 5000, bad: 15_000 } as const;

/**
 * Says something at the edge of the page, and to screen readers.
 *
 * @param tone `bad`: something failed. What belongs to a place on the page is said there instead.
 */
export function toast(text: string, tone: Toast['tone'] = 'neutral'): void {
  lastId += 1;
  const id = lastId;
  // At most three, and none twice.
  toasts.value = [...toasts.value.filter((other) => other.text !== text), { id, text, tone }].slice(-3);
  setTimeout(() => close(id), SHOWN[tone]);
}

function close(id: number): void {
  toasts.value = toasts.value.filter((other) => other.id !== id);
}

/** Where toasts are shown. The frame has it, once. */
export function Toasts() {
  return (
    <div class="ui-toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, tone }) => (
        <div key={id} class={`ui-toast ui-toast-${tone}`}>
          <span>{text}</span>
          <IconButton icon="close" label="Close" onClick={() => close(id)} />
        </div>
      ))}
    </div>
  );
}
