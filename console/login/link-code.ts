import { signal } from '@preact/signals';

/** The one-time code of the link by which the page was opened; null: it has none. */
export const code = signal<string | null>(null);

/**
 * Takes the code out of the address: no server is sent what stands behind `#`, and from here on neither the history nor a link that is
 * copied has it.
 */
export function takeCode(): void {
  const found = /^#code=([\w.~-]+)$/.exec(location.hash)?.[1];
  if (found === undefined) return;
  history.replaceState(history.state, '', location.pathname + location.search);
  code.value = found;
}

export function dropCode(): void {
  code.value = null;
}

/** Whom the code says that it is for. Whether that is so, the service knows. */
export function ownerOfCode(token: string): string {
  try {
    const part = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(part), (character) => character.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof claims === 'object' && claims !== null && 'sub' in claims && typeof claims.sub === 'string')
      return claims.sub;
  } catch (error) {
    // What is no code is refused when it is used.
    if (!(error instanceof DOMException || error instanceof SyntaxError)) throw error;
  }
  return 'somebody';
}
