/** Prepares text that others wrote for a message. Lengths are UTF-16 units. */

/** At most `max` long, with "…" where it is cut. No surrogate pair is cut in two. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  return max < 1 ? '' : `${text.slice(0, wholeUpTo(text, max - 1)).trimEnd()}…`;
}

/** The same in one line. A blank text becomes `otherwise`. */
export function cutLine(text: string, max: number, otherwise: string): string {
  const line = text.toWellFormed().replace(/\s+/g, ' ').trim();
  return cut(line === '' ? otherwise : line, max);
}

/** Where to cut without cutting a surrogate pair in two: `at`, or one before it. */
export function wholeUpTo(text: string, at: number): number {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  const inPair = before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000;
  return inPair ? at - 1 : at;
}

/**
 * Control characters, marks that change the reading direction, and characters without width. They can make a text look
 * like another one.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;

/** Spells out invisible characters as `\u202e`, except line breaks and tabs. */
export function visible(text: string): string {
  return text.toWellFormed().replace(UNSEEN, (unseen) => {
    if (unseen === '\n' || unseen === '\t') return unseen;
    return `\\u${(unseen.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  });
}

/** A code block that the text cannot leave. `language`: letters and digits. */
export function codeBlock(text: string, language = ''): string {
  // Put a zero-width space between backticks: three in a row would end the block.
  return `\`\`\`${language}\n${text.replace(/`(?=`)/g, '`\u200b')}\n\`\`\``;
}

/** Inline code, in one line. */
export function inlineCode(text: string): string {
  const shown = visible(text).replace(/\s+/g, ' ').trim().replaceAll('`', 'ˋ');
  return `\`${shown === '' ? ' ' : shown}\``;
}

/** Escapes Markdown and mentions within a line. The result is at most twice as long. */
export function plain(text: string): string {
  return text.replace(/[\\*_~`|[\]<]/g, (mark) => `\\${mark}`);
}
