declare const value: unique symbol;

/** The JSON text of a `T`. It is passed on as it is: between objects and processes a text costs less than what it says. */
export type JsonText<T> = string & { readonly [value]: T };

export function jsonText<T extends object | string | number | boolean | null>(of: T): JsonText<T> {
  return JSON.stringify(of) as JsonText<T>;
}

/** The text of an object, by those of its members. */
export function objectText<T extends object>(members: { readonly [Name in keyof T]: JsonText<T[Name]> }): JsonText<T> {
  const texts = Object.entries(members).map(([name, text]) => `${JSON.stringify(name)}:${String(text)}`);
  return `{${texts.join(',')}}` as JsonText<T>;
}

/** The text of an array, by those of its elements. */
export function arrayText<T>(elements: readonly JsonText<T>[]): JsonText<T[]> {
  return `[${elements.join(',')}]` as JsonText<T[]>;
}

/** The text of an object that has members, with further ones at its end. They have other names than those. */
export function withMembers<T extends object, More extends object>(
  text: JsonText<T>,
  more: { readonly [Name in keyof More]: JsonText<More[Name]> },
): JsonText<T & More> {
  return `${text.slice(0, -1)},${objectText<More>(more).slice(1)}` as JsonText<T & More>;
}
