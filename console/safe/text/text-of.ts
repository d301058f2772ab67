/**
 * The text of a field that may hold anything: what the API passes on untouched is as its writer made it.
 *
 * @returns text as it is; nothing for null; JSON for the rest
 */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return jsonOf(value);
}

/** Events are JSON, so this fails for nothing that came from one; what has circles or `bigint`s is named by its kind. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return Object.prototype.toString.call(value);
  }
}
