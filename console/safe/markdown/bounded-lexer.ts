import { Lexer, type Token, type TokensList } from 'marked';

/** Quotes in quotes and lists in lists are shown as such down to here. */
const MAX_DEPTH = 12;
/** Emphasis in links in emphasis. */
const MAX_INLINE_DEPTH = 16;
/** A word is longer only if it means harm: marked looks at the ends of words again and again. */
const MAX_WORD = 1500;
/** Signs² × characters of one run of text, which is what marked's time grows with at its worst: 20 ms. */
const MAX_WORK = 4e8;
const SIGNS = /[*_~[\]()<>`!\\&|]/g;
const LONG_WORD = new RegExp(`\\S{${MAX_WORD}}`);

/**
 * marked's lexer with an end to what it may take: what is nested too deep or is too much work becomes text. On an idle machine
 * 20,000 characters of `*a_` take it half a minute, 10,000 `>` its stack.
 */
class BoundedLexer extends Lexer {
  private depth = 0;
  private inlineDepth = 0;

  override blockTokens(src: string, tokens?: Token[], lastParagraphClipped?: boolean): Token[];
  override blockTokens(src: string, tokens?: TokensList, lastParagraphClipped?: boolean): TokensList;
  override blockTokens(src: string, tokens: Token[] = [], lastParagraphClipped = false): Token[] {
    if (this.depth >= MAX_DEPTH) return plainInto(tokens, src);
    this.depth++;
    const found = super.blockTokens(src, tokens, lastParagraphClipped);
    this.depth--;
    return found;
  }

  override inlineTokens(src: string, tokens: Token[] = []): Token[] {
    if (this.inlineDepth >= MAX_INLINE_DEPTH || isTooMuch(src)) return plainInto(tokens, src);
    this.inlineDepth++;
    const found = super.inlineTokens(src, tokens);
    this.inlineDepth--;
    return found;
  }
}

function isTooMuch(src: string): boolean {
  if (src.length < 200) return false;
  const signs = src.match(SIGNS)?.length ?? 0;
  return signs * signs * src.length > MAX_WORK || LONG_WORD.test(src);
}

function plainInto(tokens: Token[], src: string): Token[] {
  if (src !== '') tokens.push({ type: 'text', raw: src, text: src, escaped: false });
  return tokens;
}

/** What a text's references (`[name]`) lead to. */
export type Links = Lexer['tokens']['links'];

const DEFINITION = /^ {0,3}\[([^[\]\n^][^[\]\n]{0,99})\]:[ \t]*<?([^\s<>]{1,1000})/gm;
const MAX_DEFINITIONS = 200;

/** The references that a text defines anywhere: chunks are parsed by themselves, and know only their own. */
export function linksOf(text: string): Links {
  const links: Links = Object.create(null) as Links;
  let count = 0;
  for (const [, name = '', href = ''] of text.matchAll(DEFINITION)) {
    if (count++ >= MAX_DEFINITIONS) break;
    // As marked normalises it.
    links[name.toLowerCase().replaceAll(/\s+/g, ' ')] ??= { href, title: null };
  }
  return links;
}

/**
 * The tokens of a chunk (`chunksOf`).
 *
 * @param links the references of the whole text
 * @returns `null` where it is not one that a person would write, or marked gives up: it is shown as text then
 */
export function tokensOf(chunk: string, links: Links): readonly Token[] | null {
  const isFence = /^ {0,3}(```|~~~)/.test(chunk);
  if (!isFence && chunk.length > 20_000) return null;
  const lexer = new BoundedLexer({ gfm: true });
  Object.assign(lexer.tokens.links, links);
  try {
    return lexer.lex(chunk);
  } catch (error) {
    // Its own guard against loops ("Infinite loop on byte"), or its stack is at its end.
    if (error instanceof Error) return null;
    throw error;
  }
}
