import { User } from '../../../support/api.ts';
import { FakeRunner } from '../../../support/runner.ts';

export const MB = 1024 * 1024;

export interface Scene {
  readonly user: User;
  readonly runner: FakeRunner;
  readonly id: string;
}

export async function filesScene(): Promise<Scene> {
  const user = new User();
  const runner = await FakeRunner.connect();
  const id = await user.createSession();
  await runner.start(id);
  return { user, runner, id };
}

/** Bytes that are nowhere the same for long, so that what is lost or doubled shows. */
export function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 31 + (at >> 8) * 17 + (at >> 16)) & 0xff;
  return bytes;
}

/** A body that is sent when the test says so. */
export function pushed(): {
  body: ReadableStream<Uint8Array>;
  controller: ReadableStreamDefaultController<Uint8Array>;
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given;
    },
  });
  if (controller === undefined) throw new Error('a stream starts at once');
  return { body, controller };
}
