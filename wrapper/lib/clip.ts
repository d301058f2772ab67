/** The text's first `length` UTF-16 units, without half a character at the end. */
export function clip(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).toWellFormed();
}
