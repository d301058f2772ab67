import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeAddress, parsePrivateGrant } from '../../../../../runner/egress/policy/address.ts';
import { grants } from '../../../../support/runner/egress-fixture.ts';

const none = new Set<string>();
const passes = (address: string, ...open: string[]): boolean => judgeAddress(address, 5432, grants(...open), none).ok;

test.each([
  '93.184.216.34',
  '8.8.8.8',
  '223.255.255.254',
  '2606:2800:220:1::34',
  '::ffff:8.8.8.8',
  '2002:808:808::1',
  '64:ff9b::808:808',
])('%s is public', (address) => {
  expect(passes(address)).toBe(true);
});

test.each([
  ['127.0.0.1', 'a loopback'],
  ['127.255.255.254', 'a loopback'],
  ['0.0.0.0', 'an unspecified'],
  ['0.1.2.3', 'an unspecified'],
  ['10.0.0.1', 'a private'],
  ['172.16.0.1', 'a private'],
  ['172.31.255.255', 'a private'],
  ['192.168.1.1', 'a private'],
  ['100.64.0.1', 'a private'],
  ['169.254.1.1', 'a link-local'],
  ['192.0.0.1', 'a reserved'],
  ['192.0.2.1', 'a reserved'],
  ['198.18.0.1', 'a reserved'],
  ['198.51.100.1', 'a reserved'],
  ['203.0.113.1', 'a reserved'],
  ['192.88.99.1', 'a reserved'],
  ['224.0.0.1', 'a multicast'],
  ['239.255.255.250', 'a multicast'],
  ['240.0.0.1', 'a reserved'],
  ['255.255.255.255', 'a broadcast'],
  ['::', 'an unspecified'],
  ['::1', 'a loopback'],
  ['::7f00:1', 'a reserved'],
  ['fe80::1', 'a link-local'],
  ['fec0::1', 'a private'],
  ['fc00::1', 'a private'],
  ['fdff::1', 'a private'],
  ['ff02::1', 'a multicast'],
  ['100::1', 'a reserved'],
  ['2001:db8::1', 'a reserved'],
  ['3fff::1', 'a reserved'],
  ['5f00::1', 'a reserved'],
  ['4000::1', 'a reserved'],
  ['64:ff9b:1::808:808', 'a reserved'],
  // What they carry is what counts: mapped, translated, 6to4, NAT64, Teredo (its server; its client, turned round).
  ['::ffff:127.0.0.1', 'a loopback'],
  ['::ffff:a00:1', 'a private'],
  ['::ffff:0:a00:1', 'a private'],
  ['2002:7f00:1::1', 'a loopback'],
  ['2002:c0a8:101::1', 'a private'],
  ['64:ff9b::a00:1', 'a private'],
  ['64:ff9b::7f00:1', 'a loopback'],
  ['2001:0:a00:1::f7f7:f7f7', 'a private'],
  ['2001:0:808:808::f5ff:fffe', 'a private'],
  ['nonsense', 'the resolver gave no address'],
])('%s is refused as %s address', (address, kind) => {
  expect(judgeAddress(address, 80, [], none)).toMatchObject({
    ok: false,
    why: expect.stringContaining(kind) as string,
  });
});

test.each([
  '169.254.169.254',
  '::ffff:169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::',
  '169.254.170.2',
  '100.100.100.200',
  '168.63.129.16',
  'fd00:ec2::254',
])('the metadata address %s is refused, also in a wide range that the operator opened', (address) => {
  const why = expect.stringContaining('metadata') as string;
  expect(judgeAddress(address, 80, grants('0.0.0.0/0', '[::/0]'), none)).toMatchObject({ ok: false, why });
});

test('a metadata address that the operator names is open', () => {
  expect(passes('169.254.169.254', '169.254.169.254')).toBe(true);
});

test('an address of this machine is refused although it is public, until the operator names it', () => {
  const own = new Set(['93.184.216.34']);
  expect(judgeAddress('93.184.216.34', 80, [], own).ok).toBe(false);
  expect(judgeAddress('::ffff:93.184.216.34', 80, [], own).ok).toBe(false);
  expect(judgeAddress('93.184.216.34', 80, grants('93.184.216.34:80'), own).ok).toBe(true);
});

describe('what the operator opens', () => {
  test.each([
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '11.0.0.1', true],
    ['10.0.0.0/8', '192.168.0.1', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.1.2.3:5432', '10.1.2.3', true],
    ['10.1.2.3:5433', '10.1.2.3', false],
    ['10.1.0.0/16:5432', '10.1.9.9', true],
    ['fd00::/8', 'fd12::1', true],
    ['[fd12::1]:5432', 'fd12::1', true],
    ['[fd12::1]:1', 'fd12::1', false],
    ['[fd00::/8]:5432', 'fd12::1', true],
    ['127.0.0.1', '127.0.0.2', false],
  ])('%s: %s on port 5432 %s', (grant, address, open) => {
    expect(passes(address, grant)).toBe(open);
  });

  test.each([
    '',
    '10',
    '10.1',
    '10.0.0.0/33',
    '10.0.0.0/',
    '0x0a.0.0.1',
    '010.0.0.1',
    '10.0.0.1:0',
    '10.0.0.1:70000',
    'fd00::/129',
    'fe80::1%eth0',
    '[fd00::1',
    'localhost',
    '*',
    '10.0.0.0-10.0.0.9',
  ])('%j is refused', (text) => {
    expect(parsePrivateGrant(text)).toBeUndefined();
  });
});

test('an IPv4 address is judged alike in every IPv6 dress', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      const verdict = passes(address);
      expect(passes(`::ffff:${hex}`)).toBe(verdict);
      expect(passes(`64:ff9b::${hex}`)).toBe(verdict);
      expect(passes(`2002:${hex}::1`)).toBe(verdict);
    }),
  );
});
