import { expect, test } from 'vitest';
import { portOf, portRows } from '../../../../../console/session/ports/rows.ts';

const shared = (port: number, listening: boolean) => ({
  port,
  label: null,
  url: `http://x-${port}.localhost/`,
  created_at: '2026-01-01T00:00:00.000Z',
  expires_at: '2026-01-02T00:00:00.000Z',
  listening,
});

test('a port is in the list once, whether it is shared, listened on, or both', () => {
  const rows = portRows({
    data: [shared(8080, false), shared(80, true)],
    listening: [
      { port: 5173, process: 'node' },
      { port: 80, process: null },
    ],
  });
  expect(rows.map(({ port, share, isListening, process }) => [port, share !== null, isListening, process])).toEqual([
    [80, true, true, null],
    [5173, false, true, 'node'],
    [8080, true, false, null],
  ]);
});

test('a port is a number that there is', () => {
  expect(portOf(' 5173 ')).toBe(5173);
  expect([portOf('0'), portOf('65536'), portOf('80a'), portOf(''), portOf('-1'), portOf('1e3')]).toEqual(
    Array.from({ length: 6 }, () => null),
  );
});
