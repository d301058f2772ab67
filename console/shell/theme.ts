import { effect, signal } from '@preact/signals';

/** `system`: as the device has it. */
export type Theme = 'system' | 'light' | 'dark';

const KEY = 'cc-docker.theme';

/** The theme that was chosen in this browser. */
export const theme = signal<Theme>(chosen(localStorage.getItem(KEY)));

function chosen(kept: string | null): Theme {
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

effect(() => {
  const { value } = theme;
  if (value === 'system') {
    delete document.documentElement.dataset['theme'];
    localStorage.removeItem(KEY);
  } else {
    document.documentElement.dataset['theme'] = value;
    localStorage.setItem(KEY, value);
  }
});
