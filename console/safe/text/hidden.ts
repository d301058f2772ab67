/**
 * Characters that change how text reads and cannot be seen: they reorder it, hide in it, or make two names look like one.
 * Unicode's UTS 39 and UTR 36 name them; "Trojan Source" (CVE-2021-42574) shows what they do in code.
 */
const NAMES: ReadonlyMap<number, string> = new Map([
  [0x00ad, 'SHY'],
  [0x034f, 'CGJ'],
  [0x061c, 'ALM'],
  [0x115f, 'HCF'],
  [0x1160, 'HJF'],
  [0x180e, 'MVS'],
  [0x200b, 'ZWSP'],
  [0x200c, 'ZWNJ'],
  [0x200d, 'ZWJ'],
  [0x200e, 'LRM'],
  [0x200f, 'RLM'],
  [0x2028, 'LS'],
  [0x2029, 'PS'],
  [0x202a, 'LRE'],
  [0x202b, 'RLE'],
  [0x202c, 'PDF'],
  [0x202d, 'LRO'],
  [0x202e, 'RLO'],
  [0x2060, 'WJ'],
  [0x2066, 'LRI'],
  [0x2067, 'RLI'],
  [0x2068, 'FSI'],
  [0x2069, 'PDI'],
  [0x2800, 'BLANK'],
  [0x3164, 'HF'],
  [0xfeff, 'BOM'],
  [0xffa0, 'HHF'],
]);

/** The C0 controls, as their pictures say it (U+2400 and after are too small to read). */
const C0 =
  'NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'.split(
    ' ',
  );

/**
 * One hidden character, or a pile of marks above and below one letter that is higher than any language's. A line break and a tab are
 * text. A lone half of a surrogate pair is no character.
 */
export const HIDDEN =
  /[\p{Cc}--[\n\t]]|\p{Default_Ignorable_Code_Point}|[\u2028\u2029\u2800\ufff9-\ufffb]|\p{Cs}|(?<=\p{M}{6})\p{M}+/gv;

/** As `HIDDEN`, for text that is one line: a file's name with a line break in it is not two names. */
export const HIDDEN_IN_LINE = new RegExp(`[\\n\\t]|${HIDDEN.source}`, HIDDEN.flags);

/** What stands for a hidden character: its usual short name, else its number. @param shown one match of `HIDDEN` */
export function nameOf(shown: string): string {
  const code = shown.codePointAt(0) ?? 0;
  const known = NAMES.get(code) ?? C0[code];
  if (known !== undefined) return known;
  if (code === 0x7f) return 'DEL';
  if (/^\p{M}/u.test(shown) && !/^\p{Default_Ignorable_Code_Point}/u.test(shown))
    return `${shown.match(/\p{M}/gu)?.length ?? 0} marks`;
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

const PICTURE = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F\u20E3]/u;
/** Scripts whose words need the two joiners to be spelled right. */
const JOINED =
  /[\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Mongolian}]/u;

/**
 * Whether a hidden character is there as its language or its emoji wants it: one joiner between letters of such a script or between
 * pictures, one selector after a sign. More than one hides something.
 *
 * No `$` after a class here: Chromium 156 then finds no character beyond U+FFFF.
 *
 * @param before what stands before it: its last character counts
 * @param after what stands after it: its first character counts
 */
export function isWanted(hidden: string, before: string, after: string): boolean {
  const last = Array.from(before).at(-1) ?? '';
  const first = Array.from(after)[0] ?? '';
  if (hidden === '\u200d' && PICTURE.test(last)) return /\p{Extended_Pictographic}/u.test(first);
  if (hidden === '\u200c' || hidden === '\u200d') return JOINED.test(last) && JOINED.test(first);
  if (hidden === '\ufe0f' || hidden === '\ufe0e') return /[\p{Emoji}\p{S}\p{P}]/u.test(last);
  return false;
}
