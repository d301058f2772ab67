/**
 * Makes a thing when it is first needed: a schema of zod costs 70 µs and ten KB, and most sessions need few.
 *
 * @returns the same thing at each call
 */
export function once<T>(make: () => T): () => T {
  let made: { readonly thing: T } | null = null;
  return () => (made ??= { thing: make() }).thing;
}
