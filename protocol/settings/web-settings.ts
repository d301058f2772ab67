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

/** A domain of two labels or more, and perhaps a port. */
const DOMAIN = /^(?<hostname>(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*)(?::(?<port>\d{1,5}))?$/;

/** The label before it takes 49 of the 253 characters that a host's name may have. */
const LONGEST_DOMAIN = 200;

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
  /**
   * The domain below which each shared port has a host of its own, such as `preview.example.org`, or with a port
   * `preview.example.org:8443`; empty: `localhost`, which only browsers on this machine reach.
   */
  PREVIEW_DOMAIN: z
    .string()
    .default('')
    .transform((text, context) => {
      if (text === '') return null;
      const { hostname, port } = DOMAIN.exec(text.toLowerCase())?.groups ?? {};
      if (hostname !== undefined && hostname.length <= LONGEST_DOMAIN) return { hostname, port: port ?? null };
      context.addIssue('must be the name of a domain of its own, such as preview.example.org');
      return null;
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
export type WebSettings = z.infer<typeof webSettings>;
