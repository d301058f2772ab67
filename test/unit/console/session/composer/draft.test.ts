import { expect, test } from 'vitest';
import { isOf, keepDraft, keptDraft, type Attempt } from '../../../../../console/session/composer/draft.ts';

const attempt: Attempt = { key: 'k', text: 'hi', delivery: 'queue', files: '' };

function storage() {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}

test('a draft is kept by session, and nothing is kept of nothing', () => {
  const tab = storage();
  keepDraft('a', { text: 'hi', attempt }, tab);
  expect(keptDraft('a', tab)).toEqual({ text: 'hi', attempt });
  expect(keptDraft('b', tab)).toEqual({ text: '', attempt: null });
  keepDraft('a', { text: '', attempt: null }, tab);
  expect(tab.kept.size).toBe(0);
});

test('a text that is too long to be sent is not kept: the browser would refuse it', () => {
  const tab = storage();
  keepDraft('a', { text: 'hi', attempt: null }, tab);
  keepDraft('a', { text: 'x'.repeat(2 * 1024 * 1024), attempt: null }, tab);
  expect(keptDraft('a', tab).text).toBe('');
});

test('a key holds for the message that it was made for, and for no other one', () => {
  expect(isOf(attempt, { text: 'hi', files: '' })).toBe(true);
  expect(isOf(attempt, { text: 'hi!', files: '' })).toBe(false);
  expect(isOf(attempt, { text: 'hi', files: '["a.png",1,2]' })).toBe(false);
  expect(isOf(null, { text: 'hi', files: '' })).toBe(false);
});
