import { expect, test } from 'vitest';
import { fullness, kindOf, messageBytes, problemsOf } from '../../../../../console/session/composer/attachment.ts';

const MIB = 1024 * 1024;
const file = (name: string, type: string, size = 1000) => ({ name, type, size });

test('a file goes as an image, a PDF or a text, by what it is', () => {
  expect(kindOf(file('a.png', 'image/png'))).toBe('image');
  expect(kindOf(file('a.pdf', 'application/pdf'))).toBe('pdf');
  expect(kindOf(file('a.csv', 'text/csv'))).toBe('text');
  expect(kindOf(file('a.json', 'application/json'))).toBe('text');
  expect(kindOf(file('main.rs', '')), 'browsers know no type of it').toBe('text');
  expect(kindOf(file('a.svg', 'image/svg+xml')), 'Claude reads it, and does not see it').toBe('text');
  expect(kindOf(file('a.zip', 'application/zip'))).toBeNull();
  expect(kindOf(file('a.heic', 'image/heic'))).toBeNull();
});

test('what does not fit is said before it is sent', () => {
  expect(problemsOf('hi', [file('a.png', 'image/png', 5 * MIB)])).toEqual([]);
  expect(problemsOf('hi', [file('a.png', 'image/png', 5 * MIB + 1)])).toEqual([
    'a.png is an image of 5.01 MiB. 5 MiB are the most.',
  ]);
  expect(problemsOf('', [file('a.zip', 'application/zip')])).toEqual([
    'a.zip is no image, PDF or text. Upload it under Files, and name it in the message.',
  ]);
  expect(problemsOf('', [file('a.txt', 'text/plain', 0)])).toEqual(['a.txt is empty.']);
  expect(problemsOf('x'.repeat(MIB / 2), [file('a.txt', 'text/plain', MIB / 2)])).toEqual([]);
  expect(problemsOf('é'.repeat(MIB / 2), [file('a.txt', 'text/plain', 1)]), 'in UTF-8').toEqual([
    'All text together is 1.01 MiB. 1 MiB are the most.',
  ]);
  const many = Array.from({ length: 101 }, (_, index) => file(`${index}.txt`, 'text/plain', 1));
  expect(problemsOf('', many)).toEqual(['101 files are attached. 100 are the most.']);
});

test('base64 counts: 15 MiB of PDFs are more than a message of 20 MiB holds', () => {
  expect(messageBytes('', [file('a.pdf', 'application/pdf', 3 * MIB)])).toBeGreaterThan(4 * MIB);
  expect(problemsOf('', [file('a.pdf', 'application/pdf', 14 * MIB)])).toEqual([]);
  expect(problemsOf('', [file('a.pdf', 'application/pdf', 15 * MIB)])).toEqual([
    'The message would be 20.01 MiB. 20 MiB are the most.',
  ]);
  expect(fullness('hi', [file('a.pdf', 'application/pdf', 3 * MIB)])).toBe('4.01 MiB of 20 MiB');
});
