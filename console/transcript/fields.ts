/** JSON that somebody else wrote: each field may be of any type, or absent. */
export type Fields = Readonly<Record<string, unknown>>;

const NONE: Fields = {};
const EMPTY: readonly unknown[] = [];

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object's fields; of anything else: none. */
export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : NONE);
/** A list's members; of anything else: none. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : EMPTY);
/** A text that is not empty; of anything else: null. */
export const stringOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
/** A finite number; of anything else: null. */
export const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;
/** The first of some fields that is a text. */
export function firstString(fields: Fields, ...names: readonly string[]): string | null {
  for (const name of names) {
    const value = stringOf(fields[name]);
    if (value !== null) return value;
  }
  return null;
}

/** The first line of a text that says something. */
export const firstLine = (text: string): string => text.trimStart().split('\n', 1)[0]?.trimEnd() ?? '';
