const ELLIPSIS = '…';

/**
 * The longest beginning of a text that fits, with an ellipsis if anything is missing. Characters outside the BMP are never
 * split.
 *
 * @param write how the text is written, such as escaped
 * @param fits whether what was written is short enough
 * @returns what was written
 */
export function fitted(text: string, write: (text: string) => string, fits: (written: string) => boolean): string {
  const whole = write(text);
  if (fits(whole)) return whole;
  let fit = 0;
  let over = text.length;
  while (over - fit > 1) {
    const middle = Math.floor((fit + over) / 2);
    if (fits(write(cut(text, middle)))) fit = middle;
    else over = middle;
  }
  return write(cut(text, fit));
}

/** `toWellFormed` alone would leave a sign of what was cut in the middle. */
function cut(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? length - 1 : length;
  return text.slice(0, end) + ELLIPSIS;
}
