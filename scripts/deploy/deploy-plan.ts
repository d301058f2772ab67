import * as z from 'zod';
import { discordSettings } from '../../protocol/settings/discord-settings.ts';
import { edgeSettings } from '../../protocol/settings/edge-settings.ts';

/** Settings that are secrets of the Worker: they stand in no file, and in no `--var`. */
export const SECRETS = ['JWT_SECRET', 'JWT_SECRET_PREVIOUS', 'DISCORD_BOT_TOKEN', 'UPSTASH_REDIS_REST_TOKEN'] as const;
type Secret = (typeof SECRETS)[number];

/** Settings that say nothing on Cloudflare, and why. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  DISK_FLOOR_MB: 'there is no disk',
  WEBHOOK_ALLOW: 'webhooks reach the public internet alone',
  ADDRESS_HEADER: 'Cloudflare itself names the caller’s address',
};

const STAND_IN = 'stands-for-a-secret-that-only-Cloudflare-knows';

/** What decides how the Worker is served: the parts of `wrangler.toml` beside those that the edge reads at home. */
export const deployConfig = z.object({
  name: z.string(),
  /** What is served beside the bundle. The Worker is to be asked first. */
  assets: z.object({ binding: z.string(), run_worker_first: z.boolean().default(false) }).optional(),
  vars: z.record(z.string(), z.string()).default({}),
  routes: z
    .array(z.union([z.string(), z.object({ pattern: z.string(), custom_domain: z.boolean().default(false) })]))
    .default([]),
});
type DeployConfig = z.infer<typeof deployConfig>;

export interface DeployPlan {
  /** The settings that go to the Worker. */
  readonly vars: Readonly<Record<string, string>>;
  /** What is said before anything is done, line by line. */
  readonly lines: readonly string[];
  /** What is missing or wrong: with any of these nothing is deployed. */
  readonly problems: readonly string[];
}

export interface DeployRequest {
  readonly config: DeployConfig;
  /** Settings of the command line, which come before those of the file. */
  readonly vars: Readonly<Record<string, string>>;
  /** A custom domain of the command line; null: none. */
  readonly domain: string | null;
  /** The names of the secrets that the Worker has; null: nobody was asked (a dry run). */
  readonly known: readonly string[] | null;
}

/** Says what a deployment needs, what it has of that, and whether it may be done. */
export function planDeployment({ config, vars: given, domain, known }: DeployRequest): DeployPlan {
  const domains = [
    ...(domain === null ? [] : [domain]),
    ...config.routes.flatMap((route) => (typeof route === 'object' && route.custom_domain ? [route.pattern] : [])),
  ];
  const [first] = domains;
  const vars = {
    ...config.vars,
    ...(first !== undefined && config.vars['PUBLIC_URL'] === undefined && { PUBLIC_URL: `https://${first}` }),
    ...given,
  };
  const wanted = wantedSecrets(vars);
  return {
    vars,
    lines: [
      ...SECRETS.map((name) => secretLine(name, wanted.get(name), known)),
      ...Object.entries(vars).map(([name, value]) => `setting  ${name} = ${shown(name, value)}${effectOf(name)}`),
      first === undefined
        ? 'address  https://WORKER.SUBDOMAIN.workers.dev, which Cloudflare gives it (--domain HOST: one of your own)'
        : `address  ${domains.map((name) => `https://${name}`).join(', ')}: a domain of a zone in your account`,
    ],
    problems: [
      ...wrongAssets(config),
      ...wrongSettings(vars),
      ...missingSecrets(wanted, known),
      ...wrongAddress(vars, domains),
    ],
  };
}

function wrongAssets({ assets }: DeployConfig): string[] {
  if (assets?.binding === 'ASSETS' && assets.run_worker_first) return [];
  return ['[assets] has to be as in wrangler.toml: it serves /openapi.json and the parts of /docs'];
}

/** The secrets that these settings need, each with what for. */
function wantedSecrets(vars: Readonly<Record<string, string>>): ReadonlyMap<Secret, string> {
  const wanted = new Map<Secret, string>([
    ['JWT_SECRET', 'signs tokens; at least 32 characters: openssl rand -base64 48'],
  ]);
  const ofDiscord = Object.keys(discordSettings.shape).filter((name) => vars[name] !== undefined);
  if (ofDiscord.length > 0) wanted.set('DISCORD_BOT_TOKEN', `because ${ofDiscord[0]} is set`);
  if (vars['UPSTASH_REDIS_REST_URL'] !== undefined)
    wanted.set('UPSTASH_REDIS_REST_TOKEN', 'because UPSTASH_REDIS_REST_URL is set');
  return wanted;
}

function secretLine(name: Secret, why: string | undefined, known: readonly string[] | null): string {
  const need = why === undefined ? 'optional' : `needed: ${why}`;
  const has = { null: '', true: ' (is there)', false: ' (is not there)' }[String(known && known.includes(name))] ?? '';
  return `secret   ${name}${has}, ${need}`;
}

/** What is a secret by its name is not shown, wherever it stands. */
const shown = (name: string, value: string) => (isSecret(name) ? '(hidden)' : value);

const isSecret = (name: string) => (SECRETS as readonly string[]).includes(name);

function effectOf(name: string): string {
  const why = WITHOUT_EFFECT[name];
  return why === undefined ? '' : ` (without effect on Cloudflare: ${why})`;
}

function missingSecrets(wanted: ReadonlyMap<Secret, string>, known: readonly string[] | null): string[] {
  if (known === null) return [];
  return [...wanted]
    .filter(([name]) => !known.includes(name))
    .map(([name, why]) => `the secret ${name} is missing (${why}): npx wrangler secret put ${name}`);
}

function wrongSettings(vars: Readonly<Record<string, string>>): string[] {
  const names = Object.keys(edgeSettings.shape);
  const problems = Object.keys(vars).flatMap((name) => {
    if (isSecret(name))
      return [`${name} is a secret, and no setting that anyone can read: npx wrangler secret put ${name}`];
    return names.includes(name) ? [] : [`${name} is no setting of the edge (.env.example and docs/ have them)`];
  });
  const secrets = Object.fromEntries([...wantedSecrets(vars).keys()].map((name) => [name, STAND_IN]));
  const parsed = edgeSettings.safeParse({ ...vars, ...secrets });
  return [...problems, ...(parsed.error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}`)];
}

function wrongAddress(vars: Readonly<Record<string, string>>, domains: readonly string[]): string[] {
  const url = vars['PUBLIC_URL'];
  if (domains.length === 0 || url === undefined || domains.some((name) => url === `https://${name}`)) return [];
  return [`PUBLIC_URL is ${url}, but the Worker is served at ${domains.map((name) => `https://${name}`).join(', ')}`];
}
