import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { stop as stopEsbuild } from 'esbuild';
import { parse } from 'smol-toml';
import * as z from 'zod';
import { readWranglerConfig } from '../start/edge/workerd/wrangler-config.ts';
import { PROJECT } from '../start/lib/project.ts';
import { isRefused, type Refused } from '../start/lib/refused.ts';
import { flagFault } from '../start/settings/arguments.ts';
import { bundleWorker } from './bundle.ts';
import { deployConfig, planDeployment } from './deploy/deploy-plan.ts';

const HELP = `npm run deploy -- [options]

Deploys the edge to Cloudflare (docs/deploy.md), with Wrangler: the bundle that the tests run, with wrangler.toml.
Before that it says which secrets and settings there have to be, and which of them are missing.

  --dry-run          all but the deployment: needs no account and no network
  --domain HOST      served at that name, of a zone in your account; PUBLIC_URL is then https://HOST
  --var NAME:VALUE   a setting of the edge, in place of that of wrangler.toml; may be given several times
  --config FILE      another wrangler.toml
  --help             this text`;

const WRANGLER = path.join(PROJECT, 'node_modules/wrangler/bin/wrangler.js');
/** What is deployed: in a folder of its own, because Wrangler takes along what stands beside it. */
const FOLDER = path.join(PROJECT, 'build/deploy');

interface Options {
  readonly dryRun: boolean;
  readonly domain: string | null;
  readonly vars: Readonly<Record<string, string>>;
  readonly config: string;
}

function parseOptions(): Options | 'help' | Refused {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        'dry-run': { type: 'boolean', default: false },
        domain: { type: 'string' },
        var: { type: 'string', multiple: true, default: [] },
        config: { type: 'string', default: path.join(PROJECT, 'wrangler.toml') },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    return { refused: `${flagFault(error)} (--help shows how)` };
  }
  if (values.help) return 'help';
  const { domain = null } = values;
  if (domain !== null && !/^([a-z0-9-]+\.)+[a-z0-9-]+$/.test(domain))
    return { refused: '--domain must be a name such as cc.example.org' };
  const vars = values.var.map((text) => /^([A-Z0-9_]+):([\s\S]*)$/.exec(text)?.slice(1));
  const fault = values.var.find((_, at) => vars[at] === undefined);
  if (fault !== undefined) return { refused: `--var must be NAME:VALUE, not ${fault}` };
  const pairs = vars.flatMap((pair) => (pair === undefined ? [] : [[pair[0] ?? '', pair[1] ?? ''] as const]));
  return { dryRun: values['dry-run'], domain, vars: Object.fromEntries(pairs), config: path.resolve(values.config) };
}

/** The names of the secrets that the Worker has; a Worker that there is not yet has none. */
async function knownSecrets(config: string): Promise<string[] | Refused> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [WRANGLER, 'secret', 'list', '--config', config]);
    return z
      .array(z.object({ name: z.string() }))
      .parse(JSON.parse(stdout))
      .map(({ name }) => name);
  } catch (error) {
    const said = z.object({ stdout: z.string(), stderr: z.string() }).safeParse(error);
    if (!said.success) throw error;
    const text = said.data.stdout + said.data.stderr;
    // Cloudflare's code: there is no Worker of this name.
    if (text.includes('10007')) return [];
    return { refused: `Cloudflare does not say which secrets there are: ${text.trim()}` };
  }
}

async function deploy(): Promise<number | Refused> {
  const options = parseOptions();
  if (options === 'help') {
    console.log(HELP);
    return 0;
  }
  if (isRefused(options)) return options;
  const { dryRun, domain, vars, config: file } = options;
  try {
    readWranglerConfig(file);
  } catch (error) {
    const why = error instanceof z.ZodError ? error.issues.map(({ message }) => message).join('; ') : String(error);
    return { refused: `${path.basename(file)} does not fit: ${why}` };
  }
  const known = dryRun ? null : await knownSecrets(file);
  if (known !== null && isRefused(known)) return known;
  const config = deployConfig.parse(parse(await readFile(file, 'utf8')));
  const plan = planDeployment({ config, vars, domain, known });
  console.log(plan.lines.join('\n'));
  if (plan.problems.length > 0) return { refused: plan.problems.map((problem) => `problem  ${problem}`).join('\n') };

  const worker = path.join(FOLDER, 'worker.mjs');
  const bundle = await bundleWorker();
  await stopEsbuild();
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  for (const end of ['', '.map']) await copyFile(`${bundle}${end}`, `${worker}${end}`);
  const args = [
    'deploy',
    worker,
    '--no-bundle',
    '--config',
    file,
    ...(dryRun ? ['--dry-run'] : []),
    ...(domain === null ? [] : ['--domain', domain]),
    ...Object.entries(plan.vars).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
  ];
  const wrangler = spawn(process.execPath, [WRANGLER, ...args], { stdio: 'inherit' });
  const [code] = await once(wrangler, 'exit');
  return typeof code === 'number' ? code : 1;
}

const outcome = await deploy();
if (typeof outcome === 'number') process.exitCode = outcome;
else {
  console.error(outcome.refused);
  process.exitCode = 1;
}
