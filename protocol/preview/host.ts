import type { WebSettings } from '../settings/web-settings.ts';

/** Where previews are when `PREVIEW_DOMAIN` is not set: browsers take each name below it for this machine. */
const LOCAL_DOMAIN = 'localhost';

/** The name of the query's parameter with which a preview is first opened. */
export const KEY_PARAMETER = 'cc_docker_key';

type Settings = Pick<WebSettings, 'PREVIEW_DOMAIN' | 'PUBLIC_URL' | 'ALLOWED_HOSTS'>;

/**
 * What of a host's name stands before the domain of previews, if it is below that domain, so that no route of the API may
 * answer to it; null: it is not. Names that the operator has given the API (`PUBLIC_URL`, `ALLOWED_HOSTS`) are the API's.
 *
 * @param hostname as `new URL` writes it: in lower case, without a port
 */
export function previewLabelOf(hostname: string, settings: Settings): string | null {
  const { PREVIEW_DOMAIN, PUBLIC_URL, ALLOWED_HOSTS } = settings;
  if (PUBLIC_URL !== null && new URL(PUBLIC_URL).hostname === hostname) return null;
  if (ALLOWED_HOSTS.includes(hostname)) return null;
  // With a dot at its end a name is the same host, and another origin for the browser: it is nobody's.
  const name = hostname.replace(/\.+$/, '');
  const domain = [PREVIEW_DOMAIN?.hostname ?? LOCAL_DOMAIN, LOCAL_DOMAIN].find((each) => name.endsWith(`.${each}`));
  if (domain === undefined) return null;
  if (name !== hostname || domain !== (PREVIEW_DOMAIN?.hostname ?? LOCAL_DOMAIN)) return '';
  return name.slice(0, -domain.length - 1);
}

/** Where the previews of a service are: `scheme` with its colon, and what follows the label in a URL, such as `.localhost:8000`. */
export interface PreviewPlace {
  readonly scheme: string;
  readonly suffix: string;
}

/**
 * Where previews are for a caller who reached the service at `origin`; null: nowhere, because the service has a name of its own and
 * `PREVIEW_DOMAIN` is not set. `origin` null: it is not known.
 */
export function previewPlace({ PREVIEW_DOMAIN, PUBLIC_URL }: Settings, origin: string | null): PreviewPlace | null {
  const reached = PUBLIC_URL ?? origin;
  const at = reached === null ? null : new URL(reached);
  if (PREVIEW_DOMAIN !== null) {
    const scheme = at?.protocol ?? 'https:';
    const port = PREVIEW_DOMAIN.port ?? at?.port ?? '';
    return { scheme, suffix: `.${PREVIEW_DOMAIN.hostname}${port === '' ? '' : `:${port}`}` };
  }
  const isHere = at !== null && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(at.hostname);
  return isHere ? { scheme: at.protocol, suffix: `.${LOCAL_DOMAIN}${at.port === '' ? '' : `:${at.port}`}` } : null;
}

/** The URL with which people open a preview. */
export function previewUrl({ scheme, suffix }: PreviewPlace, label: string, key: string): string {
  return `${scheme}//${label}${suffix}/?${KEY_PARAMETER}=${key}`;
}
