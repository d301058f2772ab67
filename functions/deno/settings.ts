import { z } from 'zod';
import { edgeSettings } from '../../protocol/settings/edge-settings.ts';

const PORT_RULE = 'must be a whole number from 0 to 65535';

/** What an edge elsewhere needs besides the edge's own settings. */
const remoteSettings = z.object({
  /** The edge that has the objects. */
  EDGE_OBJECTS_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
    .transform((url) => url.replace(/\/+$/, '')),
  EDGE_SERVICE_TOKEN: z.string().regex(/^\S+$/, 'must be a token, without spaces'),
  HOST: z.string().default('127.0.0.1'),
  /** 0: any free one. */
  PORT: z.coerce.number(PORT_RULE).int(PORT_RULE).min(0, PORT_RULE).max(65_535, PORT_RULE).default(8000),
});
type RemoteSettings = z.infer<typeof remoteSettings>;

/** What has to be set, and to what. */
const NEEDED = {
  EDGE_OBJECTS_URL: 'the URL of the edge that has the objects, such as https://cc.example.org',
  EDGE_SERVICE_TOKEN: 'a token of `npm run --silent token -- --kind service --sub NAME`',
  JWT_SECRET: 'the secret of that edge, by which users’ tokens are checked',
} as const;

export type Parsed =
  | { readonly remote: RemoteSettings; readonly edge: Readonly<Record<string, string>> }
  /** One line that names what is missing or wrong. */
  | { readonly refused: string };

/** The settings of an edge elsewhere. An empty variable counts as not set. */
export function parseRemoteSettings(env: Readonly<Record<string, string>>): Parsed {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const missing = Object.entries(NEEDED).filter(([name]) => set[name] === undefined);
  if (missing.length > 0) return { refused: missing.map(([name, what]) => `${name} is not set: ${what}`).join('; ') };
  const remote = remoteSettings.safeParse(set);
  const edge = edgeSettings.safeParse(set);
  if (remote.success && edge.success) {
    const names = Object.keys(edgeSettings.shape);
    return {
      remote: remote.data,
      edge: Object.fromEntries(Object.entries(set).filter(([name]) => names.includes(name))),
    };
  }
  const issues = [remote, edge].flatMap(({ error }) => error?.issues ?? []);
  return { refused: issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ') };
}
