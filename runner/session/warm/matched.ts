import { differs } from './fits.ts';
import type { Profile } from './profile.ts';

interface Made {
  readonly profile: Profile;
}

/** Which spares are made for nothing that is wanted, and what is wanted that no spare is made for. Pure. */
export function matched<Wanted extends Made, One extends Made>(
  wanted: readonly Wanted[],
  spares: readonly One[],
): { surplus: One[]; missing: Wanted[] } {
  const surplus = [...spares];
  const missing = wanted.filter(({ profile }) => {
    const at = surplus.findIndex((spare) => differs(spare.profile, profile) === null);
    if (at === -1) return true;
    surplus.splice(at, 1);
    return false;
  });
  return { surplus, missing };
}
