import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export interface RawModel {
  readonly socketPath: string;
  stop(): Promise<void>;
}

/** Starts the demo model that `claude` by hand talks to. */
export async function startRawModel(folder: string): Promise<RawModel> {
  const socketPath = path.join(folder, 'model.sock');
  const model = fork(path.join(import.meta.dirname, 'model-process.ts'), [socketPath], {
    detached: true,
    execArgv: [],
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exit = once(model, 'exit');
  const ready = await Promise.race([once(model, 'message').then(() => true), exit.then(() => false)]);
  if (!ready) throw new Error('the demo model for `claude` by hand did not start');
  return {
    socketPath,
    async stop() {
      if (model.connected) model.disconnect();
      await exit;
    },
  };
}
