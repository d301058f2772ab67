import * as z from 'zod';
import type { Refusal } from '../api/problem.ts';

/** The pool of sessions that name none, and of runners whose code names none. */
export const DEFAULT_POOL = 'default';

export const poolName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be the name of a pool: at most 32 lower-case letters, digits and -');

/** Most pools that an edge has. */
const MAX_POOLS = 64;

const pool = z.strictObject({
  /** Who may use it, by the `sub` of their tokens; `*`: everybody. */
  owners: z.union([z.literal('*'), z.array(z.string().min(1).max(256)).max(10_000)]),
});

const pools = z
  .record(poolName, pool)
  .refine((all) => Object.keys(all).length <= MAX_POOLS, `must be at most ${MAX_POOLS} pools`);

export type Pools = z.infer<typeof pools>;

const EXAMPLE = '{"gpu": {"owners": ["alice"]}}';

/** The pools of runners besides the default one, and who may use each, as JSON. Without this the default one is for everybody. */
export const poolsSetting = z
  .string()
  .default('{}')
  .transform((text, context): Pools => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: `must be JSON such as ${EXAMPLE}` });
      return z.NEVER;
    }
    const parsed = pools.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const where = issue?.path.join('.') ?? '';
    const message = `must be JSON such as ${EXAMPLE}${where === '' ? '' : `, and in ${where}: ${issue?.message ?? ''}`}`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

interface WithPools {
  readonly POOLS: Pools;
}

/** All pools, the default one first. */
export const poolNames = ({ POOLS }: WithPools): string[] => [
  DEFAULT_POOL,
  ...Object.keys(POOLS).filter((name) => name !== DEFAULT_POOL),
];

/** Why there is no such pool; null: there is. */
export function unknownPool(settings: WithPools, name: string): Refusal | null {
  if (poolNames(settings).includes(name)) return null;
  return {
    refused: 'pool_unknown',
    detail: `There is no pool "${name}". The operator’s POOLS names them: ${poolNames(settings).join(', ')}.`,
  };
}

/** Why the sessions of an owner may not be in a pool; null: they may. @param name absent: the default one */
export function poolRefusal(settings: WithPools, owner: string, name: string = DEFAULT_POOL): Refusal | null {
  const owners = settings.POOLS[name]?.owners ?? (name === DEFAULT_POOL ? '*' : []);
  if (owners === '*' || owners.includes(owner)) return null;
  // Who may not use it is not told which others there are.
  if (settings.POOLS[name] === undefined)
    return { refused: 'pool_unknown', detail: `There is no pool "${name}" (config.runner.pool).` };
  const other = name === DEFAULT_POOL ? ' Name one that you may use in `config.runner.pool`.' : '';
  return {
    refused: 'pool_forbidden',
    detail: `You may not use the pool "${name}" (config.runner.pool): the operator’s POOLS does not name you.${other}`,
  };
}
