import { randomUUID } from 'node:crypto';
import type Docker from 'dockerode';
import { expect, test } from 'vitest';
import type { WrapperNotice } from '../../../protocol/link/wrapper/wrapper-notice.ts';
import { containerName } from '../../../runner/backend/container-spec.ts';
import { seccompProfile } from '../../../runner/backend/seccomp-profile.ts';
import { DockerBackend } from '../../../runner/backend/docker-backend.ts';
import { runRunner } from '../../support/runner/running-runner.ts';
import { describeDocker } from '../../support/docker/describe-docker.ts';
import { connectEngine } from '../../support/docker/engine.ts';

type Spec = Docker.ContainerCreateOptions & { HostConfig: Docker.HostConfig };

/** An engine that makes containers otherwise than it was asked to. */
function tampered(host: string | undefined, change: (spec: Spec) => Spec): Docker {
  const engine = connectEngine(host);
  const create = engine.createContainer.bind(engine);
  Reflect.set(engine, 'createContainer', (spec: Spec) => create(change(spec)));
  return engine;
}

const hostConfig = (change: Docker.HostConfig) => (spec: Spec) => ({
  ...spec,
  HostConfig: { ...spec.HostConfig, ...change },
});

/** What an engine may do wrong, and the probe that finds it. */
const BREAKS: [string, string, (spec: Spec) => Spec][] = [
  [
    'with the host’s network',
    'network',
    (spec) => ({ ...hostConfig({ NetworkMode: 'host' })(spec), NetworkDisabled: false }),
  ],
  // Root without this may not even read what it is to start.
  ['as root', 'user', (spec) => ({ ...hostConfig({ CapAdd: ['DAC_OVERRIDE'] })(spec), User: '0:0' })],
  ['with a capability', 'capabilities', hostConfig({ CapAdd: ['NET_RAW'] })],
  [
    'with a way to gain privileges',
    'no_new_privileges',
    (spec) => hostConfig({ SecurityOpt: [`seccomp=${seccompProfile()}`] })(spec),
  ],
  ['without seccomp', 'seccomp', hostConfig({ SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'] })],
  ['on a root that can be written', 'read_only_root', hostConfig({ ReadonlyRootfs: false })],
  ['with a folder of the host’s', 'mounts', hostConfig({ Binds: ['/etc:/host-etc:ro'] })],
  ['with the kernel’s settings open', 'kernel_files', hostConfig({ MaskedPaths: [], ReadonlyPaths: [] })],
  [
    'with a credential of the host’s',
    'dummies_only',
    (spec) => ({ ...spec, Env: [...(spec.Env ?? []), 'CLOUD_SECRET_KEY=canary-of-the-host'] }),
  ],
];

describeDocker('the seal, probed from inside', ({ docker, host, image }) => {
  const owner = { uid: 1000, gid: 1000 };

  async function launched(engine: Docker) {
    const { edge, launch } = await runRunner({
      makeBackend: ({ runnerId }, log) =>
        new DockerBackend({ image, runnerId, owner, runtime: undefined }, log, engine),
    });
    const key = { session_id: randomUUID(), epoch: 1 };
    const session = edge.session(key.session_id);
    edge.prompt(key.session_id, 'hello');
    launch(key);
    const notice = async <N extends WrapperNotice['notice']>(name: N) =>
      await edge.changes.until(() =>
        session.items.find(
          (item): item is Extract<WrapperNotice, { notice: N }> => typeof item !== 'string' && item.notice === name,
        ),
      );
    return { edge, key, session, notice };
  }

  test('holds in a container as it is made, and is said before anything else', async () => {
    const { session, notice } = await launched(docker);
    const { probes } = await notice('sealed');
    await notice('ready');
    expect(probes).toEqual(expect.arrayContaining(BREAKS.map(([, probe]) => probe)));
    expect(session.items[0]).toMatchObject({ notice: 'sealed' });
  });

  test.each(BREAKS)(
    'a container %s starts nothing, is removed, and its session is told which',
    async (_, probe, change) => {
      const { edge, key, session, notice } = await launched(tampered(host, change));
      const { failed } = await notice('seal_broken');
      expect(failed.map((failure) => failure.probe)).toContain(probe);
      const { reason } = await edge.frame('ended');
      expect(reason.code).toBe('seal_broken');
      expect(reason.detail).toContain(probe);
      expect(JSON.stringify([reason, session.items])).not.toContain('canary');
      expect(session.items).toHaveLength(1);
      expect(session.taken).toBe(0);
      const container = docker.getContainer(containerName(key));
      await expect.poll(async () => await container.inspect().catch(() => 'gone')).toBe('gone');
    },
  );
});
