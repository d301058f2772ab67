import { expect, test } from 'vitest';
import { McpStatus } from '../../../../wrapper/mcp/mcp-status.ts';

const one = (status: string, error?: string) => [{ name: 'one', status, ...(error !== undefined && { error }) }];
const ofOne = (server: ConstructorParameters<typeof McpStatus>[0][string] = { command: 'run-it' }) => {
  const status = new McpStatus({ one: server });
  return (now: number, ...said: Parameters<typeof one>) => status.take(one(...said), now);
};

test('a server that connects at once, or within three seconds, is no news', () => {
  const take = ofOne();
  expect(take(0, 'pending')).toEqual([]);
  expect(take(2999, 'pending')).toEqual([]);
  expect(take(3100, 'connected')).toEqual([]);
});

test('one that takes longer is told once as connecting, and again when it has connected or failed', () => {
  const take = ofOne();
  expect(take(0, 'pending')).toEqual([]);
  expect(take(3000, 'pending')).toMatchObject([{ notice: 'mcp_server', name: 'one', state: 'connecting' }]);
  expect(take(4000, 'pending')).toEqual([]);
  expect(take(5000, 'connected')).toMatchObject([{ state: 'connected', detail: null }]);
  expect(take(6000, 'connected')).toEqual([]);
  expect(take(7000, 'failed', 'gone')).toMatchObject([{ state: 'failed', detail: 'gone' }]);
});

test.each([
  ['failed', "ENOENT: no such file or directory, posix_spawn 'stdio'", 'failed', 'There is no program run-it.'],
  ['failed', 'Executable not found in $PATH: "stdio"', 'failed', 'There is no program run-it.'],
  ['failed', 'Connection closed', 'failed', 'Its program ended before it had answered: run-it.'],
  ['needs-auth', undefined, 'needs_auth', expect.stringContaining('It wants a login')],
  ['something-new', undefined, 'failed', expect.any(String)],
])('%s (%s) is told at once, in words of use', (status, error, state, detail) => {
  expect(ofOne()(0, status, error)).toEqual([{ notice: 'mcp_server', name: 'one', state, detail }]);
});

test('what a header or a variable holds is in no detail, nor is a password of an address', () => {
  const headers = { Authorization: 'Bearer top-secret-1', 'x-org': 'me' };
  const remote = ofOne({ type: 'http', url: 'https://mcp.test', headers });
  const [notice] = remote(0, 'failed', 'me: HTTP 401 for top-secret-1 (Bearer top-secret-1), https://u:pw@mcp.test/');
  expect(notice?.detail).toBe('me: HTTP 401 for *** (***), https://***@mcp.test/');
  const program = ofOne({ command: 'run-it', env: { DSN: 'postgres://u:pw@db.test/x' } });
  expect(program(0, 'failed', 'no route: postgres://u:pw@db.test/x')[0]?.detail).not.toMatch(/pw/);
});

test('servers that the session did not name go without a word', () => {
  const status = new McpStatus({ one: { command: 'run-it' } });
  expect(status.take([{ name: 'plugin', status: 'failed' }], 0)).toEqual([]);
});
