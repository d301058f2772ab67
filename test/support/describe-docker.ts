import type Docker from 'dockerode';
import { describe, inject, test } from 'vitest';
import type { DockerForTests } from './docker-setup.ts';
import { connectEngine } from './engine.ts';

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
    test(name, ({ skip }) => {
      if (process.env['REQUIRE_DOCKER'] === '1') throw new Error(`REQUIRE_DOCKER=1, but ${found.why}`);
      skip(found.why);
    });
  }
}
