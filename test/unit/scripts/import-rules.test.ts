import { expect, test } from 'vitest';
import { refusalOf } from '../../../scripts/lint/import-rules.ts';

const session = 'durable/session/session.ts';

test.each([
  ['another object', 'durable/directory/directory.ts', '../pool/pool.ts', false],
  ["another object's types", 'durable/directory/directory.ts', '../pool/pool.ts', true],
  ["another object's core", 'durable/directory/directory.ts', '../session/core/state.ts', false],
  ['a room above its own', 'durable/session/files/access.ts', '../children/children.ts', true],
  ['the root of the session from a room', 'durable/session/files/access.ts', '../session.ts', true],
  ['ids in a core', 'durable/pool/core/placement.ts', 'uuid', false],
  ['a value of a core in rpc', 'durable/rpc/session/session-rpc.ts', '../../session/core/state.ts', false],
  ['Node in the edge', session, 'node:fs', false],
  ['Node in the edge, by its old name', session, 'fs', false],
  ['workerd in a handler', 'functions/app.ts', 'cloudflare:workers', false],
  ['a layer above its own', 'runner/lib/log.ts', '../session/runner.ts', true],
  ['the demo model in the runner', 'runner/model/gateway.ts', '../../demo-model/demo-model.ts', false],
  ['a package in the protocol', 'protocol/ids.ts', 'uuid', true],
])('refuses %s', (_, file, specifier, isType) => {
  expect(refusalOf(file, specifier, isType)).toContain('may not import');
});

test.each([
  ['its own core', 'durable/directory/directory.ts', './core/budget.ts', false],
  ['any room of the session at its root', session, './children/children.ts', false],
  ['rpc', 'durable/session/files/access.ts', '../../rpc/edge-env.ts', false],
  ['types of a core in rpc', 'durable/rpc/session/session-rpc.ts', '../../session/core/state.ts', true],
  ['a part of a package', 'durable/discord/core/modal.ts', 'discord-api-types/v10', true],
  ['a layer below its own', 'runner/session/runner.ts', '../lib/log.ts', false],
  ['the demo model where the runner starts', 'runner/main.ts', '../demo-model/demo-model.ts', false],
])('allows %s', (_, file, specifier, isType) => {
  expect(refusalOf(file, specifier, isType)).toBeNull();
});

test('refuses a folder that the table does not name', () => {
  expect(refusalOf('attic/main.ts', './page.ts', false)).toContain('attic/main.ts is in no row');
});
