import { expect, test } from 'vitest';
import { WRAPPER_FLAGS } from '../../../protocol/link/wrapper/wrapper-flags.ts';
import { describeDocker } from '../../support/docker/describe-docker.ts';

describeDocker('the session image', ({ docker, image }) => {
  /** Runs a shell line in a container as sealed as a session's, and gives what it printed. */
  async function inContainer(line: string): Promise<{ status: number; output: string }> {
    const container = await docker.createContainer({
      Image: image,
      Entrypoint: ['bash', '-c'],
      Cmd: [line],
      Tty: true,
      HostConfig: {
        NetworkMode: 'none',
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        Tmpfs: { '/tmp': '', '/home/node': 'uid=1000' },
        Init: true,
      },
    });
    try {
      await container.start();
      const { StatusCode: status } = await container.wait();
      return { status, output: (await container.logs({ stdout: true, stderr: true })).toString().trim() };
    } finally {
      await container.remove({ force: true });
    }
  }

  test('runs as the user 1000, never as root', async () => {
    expect(await inContainer('id -u')).toEqual({ status: 0, output: '1000' });
  });

  test('holds the pinned Claude Code, and it runs with no network and a read-only root', async () => {
    const { status, output } = await inContainer('claude --version');
    expect(status).toBe(0);
    expect(output).toMatch(/^\d+\.\d+\.\d+ \(Claude Code\)/);
  });

  test('has the tools that an agent reaches for', async () => {
    const tools =
      'bash curl diff file find g++ gcc gh git git-lfs jq less make node npm npx patch pip ps python python3 ' +
      'python3-config rg rsync sqlite3 ssh tar tree unzip xz zip';
    const { output } = await inContainer(`for tool in ${tools}; do command -v $tool >/dev/null || echo $tool; done`);
    expect(output).toBe('');
  });

  test('takes less than 900 MB without claude, so that a stranger has it before the coffee is cold', async () => {
    const { Size } = await docker.getImage(image).inspect();
    const { output } = await inContainer('stat -c %s /usr/local/bin/claude; git config --system filter.lfs.process');
    const [claude, lfs] = output.split(/\r?\n/);
    expect((Size - Number(claude)) / 1e6).toBeLessThan(900);
    expect(lfs).toBe('git-lfs filter-process');
  });

  test('starts in the workspace, which is the agent’s own as the session’s folders are', async () => {
    const { output } = await inContainer('pwd; stat -c %u /workspace /claude /run/cc-docker | sort -u');
    expect(output.split(/\s+/)).toEqual(['/workspace', '1000']);
  });

  test('starts the wrapper by itself', async () => {
    const { Config } = await docker.getImage(image).inspect();
    expect(Config.Entrypoint).toEqual([
      'node',
      ...WRAPPER_FLAGS,
      '/opt/cc-docker/wrapper.mjs',
      '/run/cc-docker/launch.json',
    ]);
    const { output } = await inContainer('ls /opt/cc-docker');
    expect(output).toMatch(/wrapper\.mjs\.\w+-v[\d.]+\.cache/);
    expect(Config.WorkingDir).toBe('/workspace');
  });
});
