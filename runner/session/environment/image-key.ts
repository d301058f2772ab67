import { createHash } from 'node:crypto';
import type { LaunchEnvironment } from '../../../protocol/link/environment/environment.ts';
import type { EgressPlan } from '../container/session-egress.ts';

/** Goes up with each change of how images are made. */
const RECIPE = 1;

/** All that decides what an environment's image becomes. */
export interface ImageInputs {
  runnerId: string;
  /** The id of the session image. */
  base: string;
  /** The id of the image that the environment names; undefined: none. */
  foreign: string | undefined;
  environment: Pick<LaunchEnvironment, 'owner' | 'setup' | 'env' | 'secrets'>;
  plan: Pick<EgressPlan, 'policy' | 'packageEnv'>;
}

/**
 * The name under which an image is kept. Equal inputs have equal images, so a name for an environment does not count; whose it is
 * does: what an upstream gave to one owner must not reach another one.
 */
export function imageKey({ runnerId, base, foreign, environment, plan }: ImageInputs): string {
  const { session, ceiling, private: grants } = plan.policy;
  const inputs = [
    RECIPE,
    runnerId,
    base,
    foreign ?? null,
    environment.owner,
    environment.setup ?? null,
    sorted(environment.env ?? {}),
    environment.secrets.toSorted(),
    [session, ceiling].map((rules) => rules.map(({ text }) => text).toSorted()),
    grants,
    sorted(plan.packageEnv),
  ];
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 32);
}

const sorted = (record: Readonly<Record<string, string>>) =>
  Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
