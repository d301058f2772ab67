import { expect, test } from 'vitest';
import { toolView } from '../../../../console/inbox/asked/tool-view.ts';

test('a command is named by its first line and shown whole', () => {
  const { title, parts } = toolView('Bash', { command: 'ls -la\nrm -rf /', description: 'Look' });
  expect(title).toBe('Bash: ls -la …');
  expect(parts).toEqual([
    { kind: 'command', text: 'ls -la\nrm -rf /' },
    { kind: 'text', text: 'Look' },
  ]);
});

test('nothing of an input is hidden from who decides', () => {
  expect(toolView('Bash', { command: 'ls', dangerouslyDisableSandbox: true }).parts).toContainEqual({
    kind: 'rest',
    fields: { dangerouslyDisableSandbox: true },
  });
  expect(toolView('Bash', { command: 'ls', description: { not: 'a text' } }).parts).toContainEqual({
    kind: 'rest',
    fields: { description: { not: 'a text' } },
  });
  expect(toolView('Bash', { command: 'ls', description: ['a list'] }).parts).toContainEqual({
    kind: 'rest',
    fields: { description: ['a list'] },
  });
  const edit = { file_path: '/a', old_string: 'a', new_string: 'b', replace_all: true };
  expect(toolView('Edit', edit).parts).toContainEqual({ kind: 'rest', fields: { replace_all: true } });
  // An edit among several that has more than its two texts is shown as it is.
  const edits = [{ old_string: 'a', new_string: 'b', replace_all: true }];
  expect(toolView('MultiEdit', { file_path: '/a', edits }).parts).toEqual([
    { kind: 'rest', fields: { file_path: '/a', edits } },
  ]);
});

test('an edit is a change, a written file its content, a plan its text', () => {
  expect(toolView('Edit', { file_path: '/w/src/a.ts', old_string: 'a', new_string: 'b' })).toEqual({
    title: 'Edit: …/src/a.ts',
    parts: [{ kind: 'change', path: '/w/src/a.ts', before: 'a', after: 'b' }],
    isPlan: false,
  });
  expect(toolView('Write', { file_path: 'a.ts', content: 'x' })).toMatchObject({
    title: 'Write: a.ts',
    parts: [{ kind: 'file', path: 'a.ts', content: 'x' }],
  });
  expect(toolView('ExitPlanMode', { plan: '# Move it\n\n1. first' })).toEqual({
    title: 'Plan: Move it …',
    parts: [{ kind: 'plan', markdown: '# Move it\n\n1. first' }],
    isPlan: true,
  });
});

test('a tool that is not known shows its fields, and the first text in its title', () => {
  expect(toolView('mcp__github__create_issue', { labels: [1], title: 'It fails' })).toEqual({
    title: 'github create_issue: It fails',
    parts: [{ kind: 'rest', fields: { labels: [1], title: 'It fails' } }],
    isPlan: false,
  });
  expect(toolView('__proto__', { constructor: 'x' }).title).toBe('__proto__: x');
  expect(toolView('Bash', null)).toEqual({ title: 'Bash', parts: [], isPlan: false });
});
