import { spawnSync } from 'node:child_process';
import type Docker from 'dockerode';
import { describe, inject, test } from 'vitest';
import { connectEngine } from './engine.ts';
import type { DockerForTests } from './prepare-image.ts';

/** An engine that has the session image. */
export interface DockerUnderTest {
  docker: Docker;
  /** For `DOCKER_HOST` of processes that a test starts; absent: leave it unset. */
  host: string | undefined;
  /** The session image's name. */
  image: string;
}

/**
 * `describe` for what needs Docker. Where there is none, the group stands as one test that could not run, with the
 * reason, and none of its hooks run either; with `REQUIRE_DOCKER=1` that test fails.
 */
export function describeDocker(name: string, body: (docker: DockerUnderTest) => void): void {
  const found: DockerForTests = inject('docker');
  if (found.ok) {
    const { host, image } = found;
    describe(name, () => body({ docker: connectEngine(host), host, image }));
  } else {
    notRun(name, found.why);
  }
}

/** The same for what needs compose too: `command` is its program and first arguments. */
export function describeCompose(name: string, body: (docker: DockerUnderTest, command: string[]) => void): void {
  const command = [['docker', 'compose'], ['docker-compose']].find(
    ([program = '', ...args]) => spawnSync(program, [...args, 'version']).status === 0,
  );
  if (command === undefined) notRun(name, 'neither `docker compose` nor `docker-compose` is installed');
  else describeDocker(name, (docker) => body(docker, command));
}

/** The same for what only root can set up, such as a runner of another user. */
export function describeDockerAsRoot(name: string, body: (docker: DockerUnderTest) => void): void {
  if (process.getuid?.() === 0) describeDocker(name, body);
  else notRun(name, 'only root can start a runner as another user');
}

function notRun(name: string, why: string): void {
  test(name, ({ skip }) => {
    if (process.env['REQUIRE_DOCKER'] === '1') throw new Error(`REQUIRE_DOCKER=1, but ${why}`);
    skip(why);
  });
}
