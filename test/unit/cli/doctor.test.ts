import { expect, test } from 'vitest';
import { clockOf } from '../../../cli/doctor/service.ts';
import { localServiceUrl } from '../../../cli/lib/project.ts';
import { lineOf } from '../../../cli/lib/failure.ts';
import { coloured } from '../../../cli/verbs/files/diff.ts';
import { treeLines } from '../../../cli/verbs/sessions/tree.ts';

const plain = { style: (_: unknown, text: string) => text };

test('a clock that differs by more than what the service allows is found, with what mends it', () => {
  const now = Date.parse('2026-11-30T09:00:00Z');
  expect(clockOf('2026-11-30T09:00:29Z', now)).toMatchObject([{ state: 'ok' }]);
  expect(clockOf('2026-11-30T08:57:00Z', now)).toMatchObject([
    { state: 'bad', detail: expect.stringContaining('3m'), remedy: expect.stringContaining('timedatectl') },
  ]);
  expect(clockOf(undefined, now)).toEqual([]);
});

test('a service on this machine is where its settings say', () => {
  expect(localServiceUrl({})).toBe('http://127.0.0.1:8000');
  expect(localServiceUrl({ HOST: '0.0.0.0', PORT: '9000' })).toBe('http://127.0.0.1:9000');
  expect(localServiceUrl({ HOST: '::1' })).toBe('http://[::1]:8000');
});

test('a failure is one line', () => {
  expect(lineOf({ message: 'It\nfailed', remedy: 'Try `x`.' })).toBe('It failed. Try `x`.');
  expect(lineOf({ message: 'Why?', remedy: '' })).toBe('Why?');
});

test('a patch cannot do anything to the terminal', () => {
  expect(coloured('+a\u001B[2Jb\n-c', { style: (format, text) => `<${String(format)}>${text}` })).toBe(
    '<green>+a[2Jb\n<red>-c',
  );
});

const node = (id: string, children: string[], title: string | null, more: object = {}) => ({
  session_id: id,
  parent_session_id: null,
  title,
  status: 'idle' as const,
  depth: 0,
  created_at: '2026-11-30T09:00:00Z',
  total_turns: 1,
  total_cost_usd: 1,
  tree_cost_usd: 1.5,
  budget_usd: null,
  open_interactions: 0,
  child_session_ids: children,
  ...more,
});

test('a tree, and in a narrow terminal', () => {
  const tree = {
    session_id: 'aaaaaaaa',
    root_session_id: 'aaaaaaaa',
    nodes: [
      node('aaaaaaaa', ['bbbbbbbb', 'cccccccc'], 'root', { budget_usd: 5 }),
      node('bbbbbbbb', ['dddddddd'], null),
      node('dddddddd', [], 'deep\u001B[1m', { open_interactions: 1 }),
      node('cccccccc', [], 'last'),
    ],
    limits: { max_depth: 5, max_children: 20, max_sessions: 50 },
  };
  expect(treeLines(tree, plain, undefined)).toEqual([
    'aaaaaaaa  idle  $1.50 of $5.00  root',
    '├─ bbbbbbbb  idle  $1.50',
    '│  └─ dddddddd  idle  $1.50  ? 1  deep[1m',
    '└─ cccccccc  idle  $1.50  last',
  ]);
  for (const line of treeLines(tree, plain, 24)) expect(line.length).toBeLessThanOrEqual(24);
});
