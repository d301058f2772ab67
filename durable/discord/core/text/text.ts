/** Text that others wrote, made fit to be shown in a message. Lengths are UTF-16 units. */

/** At most so long, with "…" where it is cut; no surrogate pair is cut in two. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  return max < 1 ? '' : `${text.slice(0, wholeUpTo(text, max - 1)).trimEnd()}…`;
}

/** The same, in one line; without anything to see it is the other text. */
export function cutLine(text: string, max: number, otherwise: string): string {
  const line = text.toWellFormed().replace(/\s+/g, ' ').trim();
  return cut(line === '' ? otherwise : line, max);
}

/** Where to cut so that no surrogate pair is cut in two: `at`, or one before. */
export function wholeUpTo(text: string, at: number): number {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  const inPair = before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000;
  return inPair ? at - 1 : at;
}

/** Controls, marks that change the direction of what is read, and what takes no room: with them a text shows as another one. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;

/** With what cannot be seen spelled out as `\u202e`, but for line breaks and tabs. */
export function visible(text: string): string {
  return text.toWellFormed().replace(UNSEEN, (unseen) => {
    if (unseen === '\n' || unseen === '\t') return unseen;
    return `\\u${(unseen.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  });
}

/** A code block that the text cannot leave. `language`: letters and digits. */
export function codeBlock(text: string, language = ''): string {
  // A zero-width space between them: Discord ends a block at three in a row.
  return `\`\`\`${language}\n${text.replace(/`(?=`)/g, '`\u200b')}\n\`\`\``;
}

/** As inline code, in one line. */
export function inlineCode(text: string): string {
  const shown = visible(text).replace(/\s+/g, ' ').trim().replaceAll('`', 'ˋ');
  return `\`${shown === '' ? ' ' : shown}\``;
}

/** Within a line: so that Markdown and mentions in it are not read as such. At most twice as long. */
export function plain(text: string): string {
  return text.replace(/[\\*_~`|[\]<]/g, (mark) => `\\${mark}`);
}
