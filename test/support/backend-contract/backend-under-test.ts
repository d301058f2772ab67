import { randomUUID } from 'node:crypto';
import type { BackendName, PlacementKey } from '../../../protocol/link/runner-control.ts';
import { runRunner, type RunnerSetUp } from '../runner/running-runner.ts';

/** A backend of which the contract is asked. */
export interface BackendUnderTest {
  name: BackendName;
  /** Makes it; its containers run the fake wrapper. */
  makeBackend: () => Promise<NonNullable<RunnerSetUp['makeBackend']>>;
  /** What still runs of a session, by whatever name. Those that ended and were not removed do not count. */
  running: (key: PlacementKey) => Promise<string[]>;
  /** Kills a session's container as someone else on its engine would. For a backend whose containers outlive the runner. */
  kill?: (key: PlacementKey) => Promise<void>;
}

export const newKey = (epoch = 1): PlacementKey => ({ session_id: randomUUID(), epoch });

/** A runner with that backend, and what a test says to its sessions. */
export async function setUp(backend: BackendUnderTest, options: RunnerSetUp = {}) {
  const made = await runRunner({ makeBackend: await backend.makeBackend(), ...options });
  const { edge } = made;
  /** Has a session do something. @returns the line that it says of it */
  const ask = async ({ session_id }: PlacementKey, prompt: string, answer: RegExp): Promise<string> => {
    edge.prompt(session_id, prompt);
    return await edge.line(session_id, (line) => answer.test(line));
  };
  /** How it ended, or will end. */
  const reasonOf = async (key: PlacementKey) =>
    await edge.changes.until(
      () =>
        edge.control
          .filter((frame) => frame.kind === 'ended')
          .find((frame) => frame.session_id === key.session_id && frame.epoch === key.epoch)?.reason,
    );
  /** The runner has said that it runs. */
  const started = (key: PlacementKey) =>
    edge.changes.until(() =>
      edge.control.find(
        (frame) => frame.kind === 'started' && frame.session_id === key.session_id && frame.epoch === key.epoch,
      ),
    );
  /**
   * Launches it, and waits until its wrapper speaks and the runner has said that it runs. Either comes first: ECS is looked at now and
   * then, and a wrapper does not wait for that.
   *
   * @throws when it ends before
   */
  const begin = async (key: PlacementKey): Promise<void> => {
    made.launch(key);
    const speaks = edge.line(key.session_id, (line) => line.includes('"resume"'));
    const begun = Promise.all([speaks, started(key)]).then(() => undefined);
    const reason = await Promise.race([begun, reasonOf(key)]);
    if (reason !== undefined) throw new Error(`it ended with ${reason.code}: ${reason.detail}`);
  };
  return { ...made, ask, begin, reasonOf };
}
