import type { ITheme } from '@xterm/xterm';

/** xterm's colours, each with the custom property that has it (`terminal.css`, `console/styles/base.css`). */
const COLORS = {
  foreground: '--text',
  background: '--terminal-ground',
  cursor: '--accent',
  cursorAccent: '--terminal-ground',
  selectionBackground: '--terminal-selection',
  scrollbarSliderBackground: '--line',
  scrollbarSliderHoverBackground: '--text-quiet',
  scrollbarSliderActiveBackground: '--text-quiet',
  black: '--ansi-black',
  red: '--ansi-red',
  green: '--ansi-green',
  yellow: '--ansi-yellow',
  blue: '--ansi-blue',
  magenta: '--ansi-magenta',
  cyan: '--ansi-cyan',
  white: '--ansi-white',
  brightBlack: '--ansi-bright-black',
  brightRed: '--ansi-bright-red',
  brightGreen: '--ansi-bright-green',
  brightYellow: '--ansi-bright-yellow',
  brightBlue: '--ansi-bright-blue',
  brightMagenta: '--ansi-bright-magenta',
  brightCyan: '--ansi-bright-cyan',
  brightWhite: '--ansi-bright-white',
} as const;

/** The page's colours as they are now, within an element. xterm takes no `var()` and no `light-dark()`: the browser works them out. */
export function themeOf(within: HTMLElement): ITheme {
  const probe = document.createElement('span');
  probe.hidden = true;
  within.append(probe);
  const style = getComputedStyle(probe);
  const theme: { -readonly [K in keyof typeof COLORS]?: string } = {};
  for (const name of Object.keys(COLORS) as (keyof typeof COLORS)[]) {
    probe.style.color = `var(${COLORS[name]})`;
    theme[name] = style.color;
  }
  probe.remove();
  return theme;
}

/** Calls back when the page's colours change: the system's, or by the switch of themes. @returns what ends that */
export function onThemeChange(changed: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', changed);
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  return () => {
    system.removeEventListener('change', changed);
    observer.disconnect();
  };
}
