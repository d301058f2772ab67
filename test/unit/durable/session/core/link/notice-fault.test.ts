import { expect, test } from 'vitest';
import { noticeFault, type NoticeFacts } from '../../../../../../durable/session/core/link/notice-fault.ts';
import type { WrapperNotice } from '../../../../../../protocol/link/wrapper/wrapper-notice.ts';

const BEGUN: NoticeFacts = {
  workspace: { type: 'ephemeral', git_repo: 'https://git.test/repo' },
  hasCommands: false,
  mcp_servers: { docs: { command: 'docs' } },
  container: 'launched',
  stored: 0,
  listening: [],
};
const READY: NoticeFacts = { ...BEGUN, container: 'ready', stored: 5 };
const SEVERAL: NoticeFacts = {
  ...BEGUN,
  workspace: { type: 'ephemeral', git: [{ repo: 'o/web' }, { repo: 'o/api', path: 'libs/api' }] },
};
const DEV: NoticeFacts = { ...BEGUN, hasCommands: true };
const PLAIN: NoticeFacts = { ...BEGUN, workspace: { type: 'ephemeral' } };

const cloned: WrapperNotice = { notice: 'cloned', repo: 'https://git.test/repo', commit: 'abc', ms: 1 };
const cloneFailed: WrapperNotice = { notice: 'clone_failed', detail: 'no' };
const fetched: WrapperNotice = { notice: 'fetched', repo: 'https://git.test/repo', commit: 'abc', ms: 1 };
const skipped: WrapperNotice = { notice: 'clone_skipped', repo: 'https://git.test/repo', detail: 'It has files.' };
const cloning: WrapperNotice = { notice: 'cloning', repo: 'https://git.test/repo' };
const command: WrapperNotice = { notice: 'command', name: 'postCreateCommand' };
const prepared: WrapperNotice = { notice: 'prepared', after_clone: true };
const ready: WrapperNotice = { notice: 'ready', claude_version: '2' };
const startFailed: WrapperNotice = { notice: 'start_failed', detail: 'no' };
const sealed: WrapperNotice = { notice: 'sealed', probes: ['network'] };
const sealBroken: WrapperNotice = { notice: 'seal_broken', failed: [{ probe: 'network', detail: 'a card' }] };
const server = (name: string): WrapperNotice => ({ notice: 'mcp_server', name, state: 'failed', detail: null });

test.each([
  ['a clone of the repository that it has', cloned, BEGUN],
  ['that it has fetched it', fetched, BEGUN],
  ['that it has not cloned it', skipped, BEGUN],
  ['that it begins to clone it', cloning, BEGUN],
  ['that it could not', cloneFailed, BEGUN],
  ['a clone of one of its repositories', { ...cloned, path: 'web', more: true }, SEVERAL],
  ['that it could not clone one', { ...cloneFailed, path: 'libs/api' }, SEVERAL],
  ['that a command of its repository runs', command, DEV],
  ['that its commands have run', prepared, DEV],
  ['that it is ready', ready, BEGUN],
  ['that it could not be started', startFailed, BEGUN],
  ['the seal, first of all', sealed, BEGUN],
  ['a broken seal, first of all', sealBroken, BEGUN],
  ['a server that it has', server('docs'), READY],
])('a container may say of itself: %s', (_, notice, facts) => {
  expect(noticeFault(notice, facts)).toBeNull();
});

test.each([
  ['a clone without a repository', cloned, PLAIN, 'no repository'],
  ['a clone into the workspace itself, of several', cloned, SEVERAL, 'no repository in "."'],
  ['a clone into another folder', { ...fetched, path: 'api' }, SEVERAL, 'no repository in "api"'],
  ['a clone into a folder, where the workspace is one', { ...cloned, path: 'repo' }, BEGUN, 'no repository in'],
  ['a fetch without one', fetched, PLAIN, 'no repository'],
  ['a clone left undone without one', skipped, PLAIN, 'no repository'],
  ['a fetch, later', fetched, READY, 'before Claude Code starts'],
  ['a clone begun without one', cloning, PLAIN, 'no repository'],
  ['a failed clone without one', cloneFailed, PLAIN, 'no repository'],
  ['a second clone', cloned, READY, 'before Claude Code starts'],
  ['a clone that fails after it was done', cloneFailed, READY, 'before Claude Code starts'],
  ['a command, where no repository names one', command, BEGUN, 'not its repository’s'],
  ['that its commands have run, later', prepared, { ...READY, hasCommands: true }, 'before Claude Code starts'],
  ['that it is ready again', ready, READY, 'ready before'],
  ['that it could not be started after it was', startFailed, READY, 'ready before'],
  ['the seal, later', sealed, READY, 'before anything'],
  ['a broken seal, later', sealBroken, READY, 'before anything'],
  ['a server that it does not have', server('other'), READY, 'no MCP server "other"'],
  ['a server by a name of every object', server('constructor'), READY, 'no MCP server "constructor"'],
])('it is not believed: %s', (_, notice, facts, why) => {
  expect(noticeFault(notice, facts)).toContain(why);
});

test('a port is closed only after it was open, and no container has more than so many open', () => {
  const open: WrapperNotice = { notice: 'port', port: 3000, state: 'open' };
  const closed: WrapperNotice = { ...open, state: 'closed' };
  expect(noticeFault(open, READY)).toBeNull();
  expect(noticeFault(closed, READY)).toContain('Nothing listened');
  expect(noticeFault(closed, { ...READY, listening: [3000] })).toBeNull();
  const full = { ...READY, listening: Array.from({ length: 64 }, (_, n) => 4000 + n) };
  expect(noticeFault(open, full)).toContain('64 ports');
  expect(noticeFault({ ...open, port: 4000 }, full)).toBeNull();
});
