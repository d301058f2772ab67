import { expect, test } from 'vitest';
import { environmentPath, imageEnv, sessionImage } from '../../../../../runner/session/container/session-image.ts';

const SYSTEM = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const base = { env: { PATH: SYSTEM, LANG: 'C.UTF-8', NODE_VERSION: '24' } };
const of = (path: string) => environmentPath({ env: { PATH: path } }, base).split(':');

test('an image’s own variables reach the agent, but for those that only CC-Docker may set', () => {
  const env = {
    ...base.env,
    GOPATH: '/go',
    LD_PRELOAD: '/x.so',
    ANTHROPIC_BASE_URL: 'https://x',
    HTTPS_PROXY: 'http://x',
  };
  expect(imageEnv({ env }, base)).toEqual({ GOPATH: '/go' });
});

test('the PATH: the agent’s home, what setup put into its own, what the image says, and a Node of ours at the end', () => {
  expect(of(SYSTEM)).toEqual([
    ...['.local/bin', '.local/usr/bin', '.cargo/bin', 'go/bin'].map((folder) => `/home/agent/${folder}`),
    ...['.local/bin', '.cargo/bin', 'go/bin', '.bun/bin', '.deno/bin'].map((folder) => `/opt/environment/${folder}`),
    ...SYSTEM.split(':'),
    '/opt/cc-docker/bin',
  ]);
  const golang = of(`/go/bin:/usr/local/go/bin:${SYSTEM}`);
  expect(golang.slice(-9)).toEqual(['/go/bin', '/usr/local/go/bin', ...SYSTEM.split(':'), '/opt/cc-docker/bin']);
});

test('a session takes the image by its id: its name may mean another one by then', () => {
  expect(sessionImage({ id: 'sha256:1', env: base.env }, base)).toMatchObject({ id: 'sha256:1', env: {} });
});
