import * as z from 'zod';

/** The author of a session's commits, where neither the repository nor the session says otherwise. */
export const gitAuthor = z.object({ name: z.string().min(1).max(256), email: z.string().min(1).max(320) });
export type GitAuthor = z.infer<typeof gitAuthor>;

/** What a token or the operator says of an author. Empty: nothing. */
export interface NamedAuthor {
  readonly name: string;
  readonly email: string;
}

const MAX_NAME = 128;
const MAX_EMAIL = 254;

/** What the claims of a token say of its owner as an author; undefined: nothing. */
export function authorOfClaims({ name, email }: { name?: unknown; email?: unknown }): NamedAuthor | undefined {
  const said = { name: cleanName(name), email: cleanEmail(email) };
  return said.name === '' && said.email === '' ? undefined : said;
}

/** Without what git cannot take in a name: it would leave it out, or refuse a name that holds nothing else. */
export function cleanName(value: unknown): string {
  if (typeof value !== 'string') return '';
  return cleanEnds(value.replaceAll(/[\p{C}<>\s]+/gu, ' '))
    .slice(0, MAX_NAME)
    .toWellFormed();
}

/** The same of an address, which has no spaces either. */
export function cleanEmail(value: unknown): string {
  if (typeof value !== 'string') return '';
  return cleanEnds(
    value
      .replaceAll(/[\p{C}<>]+/gu, '')
      .trim()
      .replaceAll(/\s+/g, '-'),
  )
    .slice(0, MAX_EMAIL)
    .toWellFormed();
}

/** Git strips these from both ends. */
const cleanEnds = (text: string) => text.replaceAll(/^[\s.,:;"\\']+|[\s.,:;"\\']+$/g, '');
