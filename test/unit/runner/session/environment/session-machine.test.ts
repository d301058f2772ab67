import { expect, test } from 'vitest';
import type { LaunchEnvironment } from '../../../../../protocol/link/environment/environment.ts';
import type { Launch } from '../../../../../protocol/link/runner-control.ts';
import type { RunnerNotice } from '../../../../../protocol/link/runner-notice.ts';
import type { Reason } from '../../../../../protocol/reason.ts';
import type { BuildEnd } from '../../../../../runner/session/environment/builds/failure.ts';
import { sessionMachine } from '../../../../../runner/session/environment/devcontainer/session-machine.ts';
import type { EnvironmentImages, ImageRequest } from '../../../../../runner/session/environment/environment-images.ts';

const RESOURCES = { memory_mb: 512, cpus: 2, pids: 128, workspace_mb: 1024, workspace_files: 100_000 };
const DONE: BuildEnd = {
  code: 0,
  outOfMemory: false,
  timedOut: false,
  full: undefined,
  report: { report: 'done', env: {} },
  stderr: '',
  output: '',
  refused: [],
};
const ENVIRONMENT: LaunchEnvironment = {
  name: 'devcontainer',
  revision: null,
  owner: 'alice',
  secrets: ['git'],
  allowed_images: ['python:*'],
  network: { allow: ['forge.test'], presets: [] },
};

interface Given {
  /** The repository's file; null: it has none. */
  file?: string | null;
  end?: Partial<BuildEnd>;
  environment?: Partial<LaunchEnvironment>;
  workspace?: object;
  env?: Record<string, string>;
}

/** Asks what a session starts from, of a runner that reads this of its repository. */
async function ask({ file = '{}', end = {}, environment = {}, workspace, env }: Given) {
  const ran: LaunchEnvironment[] = [];
  const built: LaunchEnvironment[] = [];
  const notices: RunnerNotice[] = [];
  const waiting: Reason[] = [];
  const image = { id: 'sha256:a', env: {}, path: '/opt/bin' };
  const images: Pick<EnvironmentImages, 'run' | 'imageFor'> = {
    run: async (job, { onOutput }) => {
      ran.push(job);
      const [mark = ''] = /cc-docker-[0-9a-f-]+/.exec(job.setup ?? '') ?? [];
      const found = file === null ? '' : `${mark} file .devcontainer.json\n${mark} content ${btoa(file)}\n`;
      const output = `${mark} commit abc\n${found}${mark} end\n`;
      // In pieces, as a container writes.
      for (const byte of Buffer.from(output)) onOutput?.(Buffer.from([byte]));
      return { ok: true, end: { ...DONE, ...end } };
    },
    imageFor: async (of) => {
      built.push(of);
      return { ok: true, image };
    },
  };
  const launch = {
    workspace: workspace ?? {
      type: 'ephemeral',
      git: [{ repo: 'forge.test/o/app', branch: 'dev' }, { repo: 'o/other' }],
    },
    config: { ...(env && { env }) },
    files: { start: null },
  } as unknown as Launch;
  const request: ImageRequest = {
    resources: RESOURCES,
    signal: new AbortController().signal,
    notify: (some) => void notices.push(...some),
    onWaiting: (reason) => void waiting.push(reason),
  };
  const input = {
    launch,
    environment: { ...ENVIRONMENT, ...environment },
    plan: { wire: [] },
    layout: { workspace: '/workspace', home: '/home/agent', path: '/usr/bin' },
  };
  return { machine: await sessionMachine(images, input, request), ran, built, notices, waiting, image };
}

test('what the first repository says is told, and becomes image, variables and commands of the launch', async () => {
  const file = JSON.stringify({
    image: 'python:3.13',
    containerEnv: { A: '${containerWorkspaceFolder}', B: 'file' },
    remoteEnv: { C: '${containerEnv:A}' },
    postCreateCommand: ['make'],
    forwardPorts: [3000],
    privileged: true,
  });
  const { machine, ran, built, notices, waiting, image } = await ask({ file, env: { B: 'session' } });
  expect(ran).toMatchObject([{ name: 'devcontainer', secrets: ['git'], network: { allow: ['forge.test'] } }]);
  expect(ran[0]?.setup).toContain(`git remote add -- origin 'https://forge.test/o/app'`);
  expect(ran[0]?.setup).toContain(`origin -- 'dev'`);
  expect(waiting).toMatchObject([{ code: 'environment_building' }]);
  const devcontainer = {
    file: '.devcontainer.json',
    folder: 'app',
    remote_env: { C: '/workspace/app' },
    commands: [{ name: 'postCreateCommand', argv: ['make'] }],
  };
  const read = { image: 'python:3.13', env: { A: '/workspace/app', B: 'file' }, devcontainer };
  expect(notices).toEqual([
    {
      host_notice: 'devcontainer',
      repo: 'https://forge.test/o/app',
      commit: 'abc',
      ...read,
      ports: [{ port: 3000 }],
      unsupported: [{ name: 'privileged', why: expect.any(String) }],
    },
  ]);
  expect(built).toEqual([{ ...ENVIRONMENT, ...read }]);
  expect(machine).toMatchObject({ ok: true, image });
  expect(machine.ok && machine.launch.config.env).toEqual({ A: '/workspace/app', B: 'session', C: '/workspace/app' });
  expect(machine.ok && machine.launch.environment?.devcontainer).toEqual(devcontainer);
});

test('without an image and without features, the service’s own image does, and nothing is built', async () => {
  const { machine, built } = await ask({ file: '{"containerEnv": {"A": "1"}}' });
  expect(built).toEqual([]);
  expect(machine).toMatchObject({ ok: true, launch: { config: { env: { A: '1' } } } });
  expect(machine).not.toHaveProperty('image');
});

test('what was read at an earlier launch is not read again, and another environment has nothing to be read', async () => {
  const devcontainer = { file: 'x', folder: '.', remote_env: { C: '1' }, commands: [] };
  const known = await ask({ environment: { setup: 'true\n', devcontainer } });
  expect([known.ran, known.notices]).toEqual([[], []]);
  expect(known.built).toMatchObject([{ setup: 'true\n' }]);
  expect(known.machine).toMatchObject({ launch: { config: { env: { C: '1' } } } });
  const other = await ask({ environment: { name: 'tools', setup: 'true\n' } });
  expect([other.ran, other.built.length]).toEqual([[], 1]);
});

test.each<[string, Given, RegExp]>([
  ['no file', { file: null }, /^https:\/\/forge\.test\/o\/app has neither \.devcontainer\/devcontainer\.json nor/],
  ['no JSON', { file: '{"a": }' }, /^\.devcontainer\.json of https:\/\/forge\.test\/o\/app is not JSON at line 1/],
  ['a file that is too long', { file: `{"a": "${'x'.repeat(70_000)}"}` }, /is longer than 64 KB/],
  ['no repository', { workspace: { type: 'ephemeral' } }, /has no repository/],
  [
    'a policy that does not allow it',
    {
      end: {
        code: 1,
        report: { report: 'setup_failed', code: 128, signal: null, line: 6, out_of_pids: false },
        output: 'fatal: unable to access',
        refused: ['forge.test:443 (no rule)'],
      },
    },
    /could not be read\. The session’s network policy refused: forge\.test:443 \(no rule\)\. fatal: unable to access$/,
  ],
])('with %s, it is said why there is none', async (_, given, why) => {
  const { machine, built, notices } = await ask(given);
  expect(machine).toEqual({ ok: false, reason: { code: 'environment_failed', detail: expect.stringMatching(why) } });
  expect([built, notices]).toEqual([[], []]);
});

test('reading that takes too long, or too much, ends with that reason', async () => {
  const late = await ask({ end: { timedOut: true } });
  expect(late.machine).toMatchObject({
    reason: {
      code: 'environment_timeout',
      detail: expect.stringMatching(/could not be read\. It took longer than 120 s\.$/),
    },
  });
});
