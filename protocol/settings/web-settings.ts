import * as z from 'zod';

const list = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** `https://cc.example.org`: a scheme and a host, and nothing behind them. */
function originOf(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null;
  return text === url.origin || text === `${url.origin}/` ? url.origin : null;
}

/** Where people and their browsers reach the service. */
export const webSettings = z.object({
  /** The origin at which people reach the service, such as `https://cc.example.org`; empty: the one they call. */
  PUBLIC_URL: z
    .string()
    .default('')
    .transform((text, context) => {
      if (text === '') return null;
      const origin = originOf(text);
      if (origin === null) context.addIssue('must be an origin without a path, such as https://cc.example.org');
      return origin;
    }),
  /** Further names by which the service may be called over plain HTTP, with commas between. */
  ALLOWED_HOSTS: z
    .string()
    .default('')
    .transform((text, context) => {
      const names = list(text).map((name) => name.toLowerCase());
      for (const name of names)
        if (!/^[a-z0-9._-]+$/.test(name)) context.addIssue(`takes names of hosts without a port: not "${name}"`);
      return names;
    }),
  /** The origins whose pages may call the service, with commas between; empty: only its own pages. */
  CORS_ORIGINS: z
    .string()
    .default('')
    .transform((text, context) =>
      list(text).flatMap((written) => {
        const origin = originOf(written);
        if (origin !== null) return [origin];
        context.addIssue(`takes origins such as https://console.example.org, one by one: not "${written}"`);
        return [];
      }),
    ),
});
