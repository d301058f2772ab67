/** Keys that a phone's keyboard does not have. */
export type Key = 'escape' | 'tab' | 'up' | 'down' | 'left' | 'right' | 'home' | 'end' | 'page-up' | 'page-down';

const FIXED: Readonly<Record<Exclude<Key, 'up' | 'down' | 'left' | 'right' | 'home' | 'end'>, string>> = {
  escape: '\x1b',
  tab: '\t',
  'page-up': '\x1b[5~',
  'page-down': '\x1b[6~',
};
const CURSOR = { up: 'A', down: 'B', right: 'C', left: 'D', home: 'H', end: 'F' } as const;

/**
 * What a key sends, as xterm does.
 *
 * @param isApplication the program has asked for application cursor keys (DECCKM), as `vim` and `less` do
 * @param withControl Ctrl is held
 */
export function keyInput(key: Key, isApplication: boolean, withControl: boolean): string {
  if (!isCursor(key)) return FIXED[key];
  if (withControl) return `\x1b[1;5${CURSOR[key]}`;
  return `${isApplication ? '\x1bO' : '\x1b['}${CURSOR[key]}`;
}

const isCursor = (key: Key): key is keyof typeof CURSOR => key in CURSOR;

/** What a typed character sends while Ctrl is held: `c` is 0x03. What has no control character is sent as it is. */
export function withControl(typed: string): string {
  if (typed === ' ') return '\0';
  if (typed === '?') return '\x7f';
  const code = typed.length === 1 ? typed.toUpperCase().charCodeAt(0) : 0;
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & 0x1f) : typed;
}

/**
 * Text as it may be pasted. Control characters go but tabs and line ends: a pasted `ESC [201~` would end the paste for the shell, and
 * what follows it would be run.
 */
export function pastable(text: string): string {
  return Array.from(text)
    .filter((char) => !isControl(char))
    .join('');
}

function isControl(char: string): boolean {
  const code = char.codePointAt(0) ?? 0;
  return (code < 0x20 && char !== '\t' && char !== '\n' && char !== '\r') || (code >= 0x7f && code < 0xa0);
}
