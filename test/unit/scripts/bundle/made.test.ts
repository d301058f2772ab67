import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { isMade, noteMade, sourcesOf } from '../../../../scripts/bundle/made.ts';
import { scratch } from '../../../support/scratch.ts';

/** A project whose wrapper is made of what is there. */
function madeProject() {
  const project = scratch();
  const at = (name: string) => path.join(project, name);
  const write = (name: string, text: string) => {
    mkdirSync(path.dirname(at(name)), { recursive: true });
    writeFileSync(at(name), text);
  };
  write('wrapper/main.ts', 'one');
  write('wrapper/lib/once.ts', 'two');
  write('protocol/ids.ts', 'three');
  write('build/wrapper.mjs', 'bundle');
  const make = () => noteMade('wrapper', sourcesOf('wrapper', project), [at('build/wrapper.mjs')], project);
  make();
  return { at, write, make, made: () => isMade('wrapper', project) };
}

test('a bundle is made again after an edit of what it is made of, and not before', () => {
  const { at, write, make, made } = madeProject();
  expect(made()).toBe(true);
  const edits: Record<string, () => void> = {
    'another text': () => write('wrapper/lib/once.ts', 'other'),
    'another text of the same length': () => {
      write('protocol/ids.ts', 'THREE');
      utimesSync(at('protocol/ids.ts'), 1, 1);
    },
    'a file more': () => write('wrapper/rehearsal.ts', ''),
    'a file less': () => rmSync(at('wrapper/rehearsal.ts')),
    'another package': () => write('node_modules/.package-lock.json', '{}'),
    'another bundler': () => write('scripts/bundle.ts', ''),
    'another bundle in its place': () => write('build/wrapper.mjs', 'of somebody'),
    'no bundle': () => rmSync(at('build/wrapper.mjs')),
    'a note that cannot be understood': () => write('build/wrapper.made.json', '{"of":1}'),
  };
  for (const [what, edit] of Object.entries(edits)) {
    edit();
    expect(made(), what).toBe(false);
    write('build/wrapper.mjs', 'bundle');
    make();
    expect(made(), `made again after ${what}`).toBe(true);
  }
});

test('what it is not made of may change', () => {
  const { write, made } = madeProject();
  write('runner/main.ts', 'of the runner');
  write('wrapper/node_modules/package/index.js', 'of a package');
  expect(made()).toBe(true);
});
