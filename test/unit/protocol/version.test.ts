import { expect, test } from 'vitest';
import { VERSION } from '../../../protocol/version.ts';
import manifest from '../../../package.json' with { type: 'json' };

test('the service says the version that its package has', () => {
  expect(VERSION).toBe(manifest.version);
});
