import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { SavedWorld } from '../discord/world.ts';
import type { Made } from './make-state.ts';
import type { OwnerState } from './read-state.ts';

/** Where a child's news are to be posted. An address of its own, so that nothing else listens there. */
export const FIXTURE_WEBHOOK = 'http://127.83.7.21:48321/hook';

export const FIXTURES = path.join(import.meta.dirname, '..', '..', 'fixtures');

/** `expected.json`: what the service that made the data folder said of it. */
export interface Expected {
  readonly version: string;
  readonly made_at: string;
  readonly made: Made;
  readonly owners: { readonly alice: OwnerState; readonly bob: OwnerState };
  readonly discord: {
    readonly channel: string;
    /** The id of alice's account. */
    readonly person: string;
    readonly asks: Readonly<Record<string, unknown>>;
    /** Discord's side of it. */
    readonly world: SavedWorld;
  };
}

export async function readExpected(fixture: string): Promise<Expected> {
  return JSON.parse(await readFile(path.join(fixture, 'expected.json'), 'utf8')) as Expected;
}
