import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, onTestFinished } from 'vitest';

/** A folder of this test's own, gone after it. */
export function scratch(): string {
  const folder = make();
  onTestFinished(() => remove(folder));
  return folder;
}

/**
 * A folder that the tests of a file, or of a group, share. Call it there, before any hook: it is made before them, and gone after
 * what they end. What has files *beside* its own folder, as the edge has, gets a folder in it.
 */
export function sharedScratch(): { readonly path: string } {
  let folder: string | undefined;
  beforeAll(() => {
    folder = make();
  });
  afterAll(() => {
    if (folder !== undefined) remove(folder);
  });
  return {
    get path() {
      if (folder === undefined) throw new Error('the folder is there in hooks and tests');
      return folder;
    },
  };
}

const make = () => mkdtempSync(path.join(os.tmpdir(), 'ccd-test-'));
const remove = (folder: string) => rmSync(folder, { recursive: true, force: true });
