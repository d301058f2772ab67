/**
 * The names that people write. HTML has 2,231, which would weigh more than the rest of this folder: another one stays as it is
 * written, which harms nothing.
 */
const WRITTEN = `
  amp & lt < gt > quot " apos ' copy © reg ® trade ™ deg ° mdash — ndash – hellip … lsquo ‘ rsquo ’ ldquo “ rdquo ” laquo « raquo »
  larr ← rarr → uarr ↑ darr ↓ harr ↔ bull • middot · times × divide ÷ plusmn ± le ≤ ge ≥ ne ≠ asymp ≈ infin ∞ micro µ
  euro € pound £ yen ¥ cent ¢ sect § para ¶ colon : sol / bsol \\ num # lpar ( rpar ) lsqb [ rsqb ] lbrack [ rbrack ]
  ast * lowbar _ grave \` vert | check ✓ cross ✗ frac12 ½ frac14 ¼ sup2 ² sup3 ³ alpha α beta β pi π`;

const NAMED: ReadonlyMap<string, string> = new Map([
  ...[...WRITTEN.matchAll(/(\w+) (\S)/g)].map(([, name = '', character = '']) => [name, character] as const),
  ['nbsp', '\u00a0'],
  ['tab', '\t'],
  ['newline', '\n'],
]);

const REFERENCE = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,30}));/g;

/** Character references as what they stand for. The result is text, and is never read as HTML. */
export function decoded(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(REFERENCE, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return NAMED.get(name) ?? NAMED.get(name.toLowerCase()) ?? whole;
    return characterOf(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal));
  });
}

/** https://spec.commonmark.org/0.31.2/#numeric-character-references: what is no character is U+FFFD. */
function characterOf(code: number): string {
  const isNone = code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff);
  return isNone ? '\ufffd' : String.fromCodePoint(code);
}
