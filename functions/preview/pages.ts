import type { PreviewPage } from '../../protocol/preview/visit.ts';
import { noticePage } from '../web/plain-page.ts';

/** What people see in place of a port's answer. The pages have no scripts, and load nothing. */

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
} as const;

interface Said {
  readonly status: 404 | 429 | 501 | 502 | 503;
  readonly title: string;
  readonly detail: string;
  /** Seconds; null: there is no telling. */
  readonly again: number | null;
}

/** What a stranger gets: nothing of whether there is something. */
export const NOTHING: Said = {
  status: 404,
  title: 'Nothing is here',
  detail: 'Open the whole link once more.',
  again: null,
};

export const NOT_HERE: Said = {
  status: 501,
  title: 'Previews are elsewhere',
  detail:
    'This edge has no way to the containers. PREVIEW_DOMAIN leads to the edge that has the objects (docs/deploy.md).',
  again: null,
};

export const tooMany = (again: number): Said => ({
  status: 429,
  title: 'Too many requests',
  detail: 'Your address makes too many requests (RATE_LIMIT_PER_ADDRESS). Come back a little later.',
  again,
});

const TITLES: Readonly<Record<PreviewPage['page'], readonly [Said['status'], string]>> = {
  ended: [404, 'This preview has ended'],
  starting: [503, 'Starting…'],
  parked: [503, 'The session is parked'],
  failed: [503, 'The session could not start'],
  closed: [502, 'Nothing listens here yet'],
  busy: [503, 'Too much at once'],
  broken: [502, 'The port does not answer'],
};

export function saidOf({ page, detail, again_seconds, listening }: PreviewPage): Said {
  const [status, title] = TITLES[page];
  const others = listening.length === 0 ? '' : ` These ports listen: ${listening.join(', ')}.`;
  return { status, title, detail: `${detail}${others}`, again: again_seconds };
}

/** @param asPage a browser shows it; else it is a line of text */
export async function answer({ status, title, detail, again }: Said, asPage: boolean): Promise<Response> {
  const retry = again === null ? {} : { 'retry-after': String(Math.max(1, Math.ceil(again))) };
  if (!asPage) {
    const headers = { ...HEADERS, ...retry, 'content-type': 'text/plain; charset=utf-8' };
    return new Response(`${title}: ${detail}\n`, { status, headers });
  }
  const body = noticePage(title, detail, again ?? undefined);
  return new Response(await body, {
    status,
    headers: { ...HEADERS, ...retry, 'content-type': 'text/html; charset=utf-8' },
  });
}
