import { differs } from './fits.ts';
import type { Profile } from './profile.ts';

/** Which spares are made for nothing that is wanted, and what is wanted that no spare is made for. Pure. */
export function matched<One extends { readonly profile: Profile }>(
  wanted: readonly Profile[],
  spares: readonly One[],
): { surplus: One[]; missing: Profile[] } {
  const surplus = [...spares];
  const missing = wanted.filter((profile) => {
    const at = surplus.findIndex((spare) => differs(spare.profile, profile) === null);
    if (at === -1) return true;
    surplus.splice(at, 1);
    return false;
  });
  return { surplus, missing };
}
