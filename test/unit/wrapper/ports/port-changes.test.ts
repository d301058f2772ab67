import { describe, expect, it } from 'vitest';
import { listeners } from '../../../../wrapper/ports/listeners.ts';
import { PortChanges, PortLooks } from '../../../../wrapper/ports/port-watch.ts';
import { socketCounts } from '../../../../wrapper/ports/socket-counts.ts';

const open = (...ports: number[]) => ports.map((port) => ({ port, process: 'node' }));
const said = (port: number, state: 'open' | 'closed') => ({
  notice: 'port',
  port,
  state,
  ...(state === 'open' && { process: 'node' }),
});

describe('what is said of ports', () => {
  it('is that one opens, once, and that it closes, when it is away for longer than a restart', () => {
    const changes = new PortChanges();
    const looks = [open(), open(3000), open(3000), open(), open(3000), open(), open(), open()];
    expect(looks.map((each, at) => changes.look(each, at * 1000))).toEqual([
      [],
      [said(3000, 'open')],
      [],
      [],
      [],
      [],
      [said(3000, 'closed')],
      [],
    ]);
  });

  it('is bounded in ports', () => {
    const changes = new PortChanges();
    const many = Array.from({ length: 100 }, (_, n) => 4000 + n);
    const notices = [0, 60_000, 120_000].flatMap((now) => changes.look(open(...many), now));
    expect(notices.length).toBe(64);
  });

  it('is bounded in time: after a rush, what is still so is said later', () => {
    const changes = new PortChanges();
    const counts = Array.from(
      { length: 600 },
      (_, at) => changes.look(at % 4 < 2 ? open(1, 2, 3, 4) : [], at * 1000).length,
    );
    const total = counts.reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThan(500);
    expect(total).toBeLessThanOrEqual(60 + 600);
    expect(changes.look(open(9), 700_000)).toContainEqual(said(9, 'open'));
  });
});

const row = (local: string, state: string, inode: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0 100 0 0 10 0`;

it('sockets count that listen where loopback reaches them', () => {
  const tables: Record<string, string> = {
    '/proc/net/tcp': [
      '  sl  local_address …',
      row('0100007F:0BB8', '0A', 11),
      row('00000000:1F90', '0A', 12),
      row('0100007F:0BB9', '01', 13),
      row('0200007F:0BBA', '0A', 14),
    ].join('\n'),
    '/proc/net/tcp6': [
      row('00000000000000000000000000000000:1435', '0A', 15),
      row('00000000000000000000000001000000:1436', '0A', 16),
      row('000080FE00000000:1437', '0A', 17),
    ].join('\n'),
  };
  expect(listeners((file) => tables[file] ?? '')).toEqual([
    { port: 3000, address: '127.0.0.1', inode: '11' },
    { port: 8080, address: '0.0.0.0', inode: '12' },
    { port: 5173, address: '::', inode: '15' },
    { port: 5174, address: '::1', inode: '16' },
  ]);
});

const due = (...counts: (string | null)[]) => {
  const looks = new PortLooks();
  return counts.map((each) => looks.isDue(each));
};

describe('the ports are looked at', () => {
  it('when the number of sockets has changed, and once more for what closes', () => {
    expect(due('3', '3', '3', '4', '4', '4', '3')).toEqual([true, true, false, true, true, false, true]);
  });

  it('each time where the kernel does not say how many there are', () => {
    expect(due(null, null, null, null)).toEqual([true, true, true, true]);
  });

  it('now and then in any case: a server may take the place of another one', () => {
    expect(due(...Array<string>(25).fill('3')).filter(Boolean)).toHaveLength(4);
  });

  it('less often where each look takes long, and a port that opens after a quiet time at once', () => {
    const looks = new PortLooks();
    const looked: number[] = [];
    const goOn = (from: number, to: number, ms: number) => {
      for (let second = from; second < to; second += 1) {
        if (looks.rests(second * 1000)) continue;
        looked.push(second);
        looks.took(ms);
      }
    };
    goOn(0, 100, 5);
    // A few at once, then one in five seconds.
    expect(looked.slice(0, 4)).toEqual([0, 1, 2, 3]);
    expect(looked.filter((second) => second >= 50)).toHaveLength(10);
    // One that took very long is made up for soon.
    looks.took(10_000);
    expect([101, 102, 103, 105].map((second) => looks.rests(second * 1000))).toEqual([true, true, true, false]);
    expect(looks.rests(200_000)).toBe(false);
    looks.took(5);
    expect(looks.rests(200_001)).toBe(false);
  });
});

describe('the number of sockets', () => {
  const files: Record<string, string> = {
    '/proc/net/sockstat': 'sockets: used 9\nTCP: inuse 4 orphan 0 tw 0 alloc 6 mem 0\nUDP: inuse 0 mem 0\n',
    '/proc/net/sockstat6': 'TCP6: inuse 2\nUDP6: inuse 0\n',
  };

  it('is that of TCP, of both kinds', () => {
    expect(socketCounts((file) => files[file] ?? '')).toBe('4 2');
  });

  it('is not known where the kernel has no such files', () => {
    expect(socketCounts(() => '')).toBeNull();
  });
});
