import { expect, test } from 'vitest';
import { webhookAllow } from '../../../../protocol/settings/webhook-allow.ts';
import { webhookNetwork } from '../../../../start/edge/workerd/networks.ts';

const network = (allow: string, own: string[] = []) => webhookNetwork(webhookAllow.parse(allow), own, undefined);

test('a metadata service is reached only where it is named alone', () => {
  const metadata = '169.254.169.254/32';
  expect(network('').deny).toContain(metadata);
  expect(network('private, 169.254.0.0/16').deny).toContain(metadata);
  const named = network('169.254.169.254');
  expect(named.allow).toContain(metadata);
  expect(named.deny).not.toContain(metadata);
});

test('a public address of this machine’s own is reached only where it is named', () => {
  const own = ['127.0.0.1', '10.0.0.5', '198.41.0.4', '2606:4700::9', 'fe80::1'];
  const { deny } = network('10.0.0.0/8', own);
  expect(deny).toEqual(expect.arrayContaining(['198.41.0.4/32', '2606:4700::9/128']));
  // It is one of those that were allowed.
  expect(deny).not.toContain('10.0.0.5/32');
  expect(network('198.41.0.4', own).deny).not.toContain('198.41.0.4/32');
});

test('an address that is not reached is not reached by way of a translating gateway either', () => {
  const { deny } = network('', ['198.41.0.4']);
  for (const range of ['127.0.0.0/104', '10.0.0.0/104', '203.0.113.0/120', '169.254.169.254/128', '198.41.0.4/128'])
    expect(deny).toContain(`64:ff9b::${range}`);
});
