import { expect, test } from 'vitest';
import { keyInput, pastable, withControl } from '../../../../../console/session/terminal/keys.ts';

test('keys that a phone does not have send what xterm sends', () => {
  expect(keyInput('escape', false, false)).toBe('\x1b');
  expect(keyInput('tab', true, false)).toBe('\t');
  expect(keyInput('up', false, false)).toBe('\x1b[A');
  expect(keyInput('up', true, false), 'vim and less ask for these').toBe('\x1bOA');
  expect(keyInput('left', true, true), 'a word back').toBe('\x1b[1;5D');
  expect(keyInput('page-down', true, false)).toBe('\x1b[6~');
});

test('Ctrl makes control characters of what is typed next', () => {
  expect(withControl('c')).toBe('\x03');
  expect(withControl('C')).toBe('\x03');
  expect(withControl('[')).toBe('\x1b');
  expect(withControl(' ')).toBe('\0');
  expect(withControl('?')).toBe('\x7f');
  expect(withControl('é')).toBe('é');
  expect(withControl('ab'), 'an input method gives whole words').toBe('ab');
  expect(withControl('')).toBe('');
});

test('what is pasted cannot end the paste and go on as if it were typed', () => {
  expect(pastable('ls\x1b[201~\nrm -rf ~\n')).toBe('ls[201~\nrm -rf ~\n');
  expect(pastable('a\u009b201~b')).toBe('a201~b');
  expect(pastable('\tpaste\r\n日本 🎉')).toBe('\tpaste\r\n日本 🎉');
});
