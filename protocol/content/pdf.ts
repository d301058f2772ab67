/** What can be read of a PDF without decompressing anything (ISO 32000-1). */
export interface PdfFacts {
  readonly isEncrypted: boolean;
  /** Null: it does not show. */
  readonly pages: number | null;
}

/**
 * Looks at a PDF. Null: it is none.
 *
 * @param bytes one character a byte, as `atob` makes it
 */
export function pdfFacts(bytes: string): PdfFacts | null {
  // Readers take a header that begins within the first 1024 bytes.
  if (!bytes.slice(0, 1024).includes('%PDF-')) return null;
  return {
    isEncrypted: /\/Encrypt\s*(?:<<|\d+\s+\d+\s+R)/.test(bytes),
    pages: linearizedPages(bytes) ?? treePages(bytes),
  };
}

/** A linearized PDF says it in its first dictionary (Annex F). Once something was appended, that no longer holds. */
function linearizedPages(bytes: string): number | null {
  const first = /<<[^>]*\/Linearized[^>]*>>/.exec(bytes.slice(0, 2048))?.[0];
  if (first === undefined || number(first, 'L') !== bytes.length) return null;
  return number(first, 'N');
}

/** The root of the page tree (7.7.3.2) has the count of all pages, and no parent. A later one replaces those before it. */
function treePages(bytes: string): number | null {
  let pages: number | null = null;
  for (const { index } of bytes.matchAll(/\/Type\s*\/Pages(?![A-Za-z])/g)) {
    const begin = bytes.lastIndexOf('<<', index);
    const end = bytes.indexOf('>>', index);
    if (begin === -1 || end === -1) continue;
    const node = bytes.slice(begin, end);
    if (!/\/Parent\s/.test(node)) pages = number(node, 'Count') ?? pages;
  }
  return pages;
}

function number(dictionary: string, key: string): number | null {
  const found = new RegExp(`/${key}\\s+(\\d{1,9})(?![\\d.])`).exec(dictionary)?.[1];
  return found === undefined ? null : Number(found);
}
