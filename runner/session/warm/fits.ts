import type { ClaimRequest } from './claim-request.ts';
import { profileOf, type Profile } from './profile.ts';

/** What a session has that no spare can have: `claude` takes it when it starts, and not afterwards. */
export type Unclaimable =
  /** Its conversation goes on, or is a copy of another. */
  | 'resume'
  | 'fork'
  /** It works in the folder of another session. */
  | 'shared_workspace'
  | 'mcp_servers'
  | 'skills'
  | 'env'
  /** A secret that the operator exposes inside the container: no spare is to know one. */
  | 'exposed_secrets';

/** Why a spare cannot have a session that another spare could have: it was started with something else. */
export type Unfit = keyof Profile;

type Session = Omit<ClaimRequest, 'key' | 'folders'>;

/** Why no spare can be claimed for a session; null: one can. Pure. */
export function unclaimable({ launch, plan, launchFile }: Session): Unclaimable | null {
  const { config, workspace_of } = launch;
  if (launchFile.resume) return 'resume';
  if (launchFile.fork_of !== undefined) return 'fork';
  if (workspace_of !== undefined) return 'shared_workspace';
  if (Object.keys(config.mcp_servers).length > 0) return 'mcp_servers';
  if (config.skills.length > 0) return 'skills';
  if (Object.keys(config.env ?? {}).length > 0) return 'env';
  if (plan.exposedNames.length > 0) return 'exposed_secrets';
  return null;
}

/** Why a session cannot have a spare; null: it can. Pure. @param spare what the spare was started with */
export function fits(spare: Profile, session: Session): Unclaimable | Unfit | null {
  return unclaimable(session) ?? differs(spare, profileOf(session));
}

/** The first thing in which two profiles differ; null: they are equal. */
export function differs(spare: Profile, wanted: Profile): Unfit | null {
  return FIELDS.find((field) => plain(spare[field]) !== plain(wanted[field])) ?? null;
}

const FIELDS = [
  'owner',
  'image',
  'resources',
  'permissions',
  'max_turns',
  'tools',
  'packageEnv',
  'forgeEnv',
  'trustsRunner',
] as const satisfies readonly Unfit[];

/** As text, with the fields of every object in one order. */
function plain(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
