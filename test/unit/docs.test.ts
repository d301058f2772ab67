import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { boundsSettings } from '../../protocol/settings/bounds-settings.ts';
import { IMPORT_TABLE } from '../../scripts/lint/import-table.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const PAGES = globSync(['*.md', 'docs/*.md', 'test/fixtures/*/README.md'], { cwd: ROOT });
/** The folders at the root that have code or pages. */
const FOLDERS =
  'bench chaos cli client console container demo-model docs durable functions porter protocol redis runner scripts start test wrapper'.split(
    ' ',
  );

/** Paths of the project that a text names, as in `runner/link/relay/relay.ts`, or a folder, `runner/link/`. */
const NAMED = new RegExp(
  `(?<![\\w./@{-])(?:${FOLDERS.join('|')})/(?:[\\w./-]*\\w\\.(?:tsx?|mts|mjs|md|py|conf|css)\\b|(?:[\\w-]+/)*(?=[\`)]))`,
  'g',
);

const namedIn = (text: string) => [...text.matchAll(NAMED)].map(([found]) => found);

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
    expect(namedIn(text).filter((found) => !existsSync(path.join(ROOT, found)))).toEqual([]);
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

test('comments and messages of the code name only files that exist', () => {
  const files = globSync(`{${FOLDERS.join(',')}}/**/*.{ts,tsx,mts,mjs}`, {
    cwd: ROOT,
    exclude: (name) => name.endsWith('node_modules') || name.endsWith('generated'),
  });
  expect(files.length).toBeGreaterThan(1000);
  const gone = files.flatMap((file) =>
    namedIn(readFileSync(path.join(ROOT, file), 'utf8'))
      .filter(
        (found) => ![ROOT, path.dirname(path.join(ROOT, file))].some((from) => existsSync(path.join(from, found))),
      )
      .map((found) => `${file}: ${found}`),
  );
  expect(gone).toEqual([]);
});

test('CONTRIBUTING.md has each folder that has a row in the table of imports', () => {
  const tables = readFileSync(path.join(ROOT, 'CONTRIBUTING.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .join('\n');
  const folders = Object.keys(IMPORT_TABLE).filter((row) => !/[*.]/.test(row) && !row.startsWith('durable/shared/'));
  const names = folders.map((folder) => folder.replace(/^(?:durable|runner)\//, ''));
  expect(names.filter((name) => !tables.includes(`\`${name}/`) && !name.endsWith('/core'))).toEqual([]);
});

test.each(['docs/bounds.md', '.env.example', 'docker-compose.yml'])('each bound is in %s', (file) => {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const names = Object.keys(boundsSettings.shape);
  expect(names.filter((name) => !text.includes(name))).toEqual([]);
});

test('the map of the docs has each page', () => {
  const map = readFileSync(path.join(ROOT, 'docs/README.md'), 'utf8');
  const pages = globSync('docs/*.md', { cwd: ROOT }).map((page) => path.basename(page));
  expect(pages.filter((page) => page !== 'README.md' && !map.includes(`](${page})`))).toEqual([]);
});

test('the glossary has at most 30 words', () => {
  const rows = readFileSync(path.join(ROOT, 'docs/glossary.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '));
  expect(rows.length - 2).toBeLessThanOrEqual(30);
});
