import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { boundsSettings } from '../../protocol/settings/bounds-settings.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const PAGES = globSync(['*.md', 'docs/*.md'], { cwd: ROOT });

/** Paths of the project that a page names, as in `runner/link/relay/relay.ts`. */
const NAMED =
  /(?<![\w.])(?:bench|container|demo-model|docs|durable|functions|protocol|runner|scripts|start|test|wrapper)\/[\w./-]*\w\.(?:ts|md|json|py|conf)\b/g;

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function anchorsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
}

describe.each(PAGES)('%s', (page) => {
  const file = path.join(ROOT, page);
  const text = readFileSync(file, 'utf8');

  test('names only files that exist', () => {
    const named = [...text.matchAll(NAMED)].map(([found]) => found);
    expect(named.filter((found) => !existsSync(path.join(ROOT, found)))).toEqual([]);
  });

  test('links only to pages and headings that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)];
    const broken = links.filter(([, to = '', anchor]) => {
      const target = to === '' ? file : path.join(path.dirname(file), to);
      return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });
});

test.each(['docs/bounds.md', '.env.example', 'docker-compose.yml'])('each bound is in %s', (file) => {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const names = Object.keys(boundsSettings.shape);
  expect(names.filter((name) => !text.includes(name))).toEqual([]);
});

test('the glossary has at most 30 words', () => {
  const rows = readFileSync(path.join(ROOT, 'docs/glossary.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '));
  expect(rows.length - 2).toBeLessThanOrEqual(30);
});
