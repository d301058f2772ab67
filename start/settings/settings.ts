import { existsSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { edgeSettings, edgeSettingsBesideSecret } from '../../protocol/settings/edge-settings.ts';
import { backendName } from '../../protocol/link/runner-control.ts';
import { PROJECT } from '../lib/project.ts';
import type { Refused } from '../lib/refused.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const PORT_RULE = 'must be a whole number from 0 to 65535';

const serviceEnvironment = z
  .object({
    HOST: z
      .string()
      .regex(/^[A-Za-z0-9.:_-]{1,253}$/, 'must be an address of this machine, such as 127.0.0.1 or 0.0.0.0')
      .default('127.0.0.1'),
    PORT: z
      .string()
      .regex(/^\d{1,5}$/, PORT_RULE)
      .transform(Number)
      .pipe(z.int().max(65_535, PORT_RULE))
      .default(8000),
    CC_DOCKER_DATA: z.string().default('.cc-docker'),
    JWT_SECRET: edgeSettings.shape.JWT_SECRET.optional(),
    RUNNER_BACKEND: backendName.exclude(['ecs'], 'must be docker or process').optional(),
  })
  .transform((env) => ({
    host: env.HOST,
    /** 0: any free one. */
    port: env.PORT,
    /** Absolute. */
    dataFolder: path.resolve(PROJECT, env.CC_DOCKER_DATA),
    jwtSecret: env.JWT_SECRET,
    /** `undefined`: the best that this machine has. */
    backend: env.RUNNER_BACKEND,
  }));

export type Settings = z.infer<typeof serviceEnvironment> & {
  /** Variables of the edge that replace those of `wrangler.toml`. */
  readonly edgeVars: Readonly<Record<string, string>>;
};

/** The service's settings, or one line that names the wrong variables. An empty variable counts as not set. */
export function parseSettings(env: Environment): Settings | Refused {
  const set = withoutEmpty(env);
  const service = serviceEnvironment.safeParse(set);
  const edge = edgeSettingsBesideSecret.safeParse(set);
  if (service.success && edge.success) {
    const names = Object.keys(edgeSettingsBesideSecret.shape);
    const edgeVars = Object.fromEntries(Object.entries(set).filter(([name]) => names.includes(name)));
    return { ...service.data, edgeVars };
  }
  const issues = [service, edge].flatMap(({ error }) => error?.issues ?? []);
  return { refused: issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ') };
}

/** The variables that are not empty: Compose, and a copied `.env.example`, set the others to nothing. */
export function withoutEmpty(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])),
  );
}

/**
 * Loads the project's `.env` into `process.env`, because the Docker client reads it there. A variable that is already set
 * wins.
 *
 * @returns the process's environment
 */
export function loadEnvironment(file: string = path.join(PROJECT, '.env')): Environment | Refused {
  if (existsSync(file)) {
    try {
      process.loadEnvFile(file);
    } catch (error) {
      return { refused: `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}` };
    }
  }
  return process.env;
}
