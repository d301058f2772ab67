import { Recent } from '../recent.ts';

/** Origins that are remembered: a service has few names, and a stranger may make up any. */
const MOST = 100;

export interface Origin {
  readonly origin: string;
  /** With its colon. */
  readonly protocol: string;
  readonly hostname: string;
  /** With the port, if it is not the protocol's own. */
  readonly host: string;
}

const known = new Recent<Origin>(MOST);

/**
 * The origin of an absolute HTTP URL. To take a URL apart costs several microseconds, and each call asks for this several times.
 *
 * @throws TypeError when it is none
 */
export function originOf(url: string): Origin {
  const text = /^https?:\/\/[^/?#]+/i.exec(url)?.[0] ?? url;
  const before = known.get(text);
  if (before !== undefined) return before;
  const { origin, protocol, hostname, host } = new URL(text);
  const found = { origin, protocol, hostname, host };
  known.set(text, found);
  return found;
}
