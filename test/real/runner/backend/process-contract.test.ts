import { readdir, readFile } from 'node:fs/promises';
import { ProcessBackend } from '../../../../runner/backend/process-backend.ts';
import { MARKER } from '../../../../runner/backend/process-sweep.ts';
import { backendContract } from '../../../support/backend-contract/contract.ts';
import { FAKE_WRAPPER } from '../../../support/runner/fake-wrapper-bundle.ts';

backendContract({
  name: 'process',
  makeBackend: async () => (data, log) =>
    new ProcessBackend({
      wrapperBundle: FAKE_WRAPPER,
      claudePath: process.execPath,
      path: process.env['PATH'] ?? '',
      sessions: data.sessions,
      log,
    }),
  // By what the session's processes hand on to their children.
  running: async ({ session_id }) => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const environments = await Promise.all(
      pids.map(async (pid) => ({ pid, env: await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '') })),
    );
    const isOf = (entry: string) => entry.startsWith(`${MARKER}=`) && entry.endsWith(session_id);
    return environments.filter(({ env }) => env.split('\0').some(isOf)).map(({ pid }) => pid);
  },
});
