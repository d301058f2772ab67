import { execFileSync } from 'node:child_process';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';

/** A field of `/proc/self/limits`, and the option of `prlimit` that sets it. */
interface OwnLimit {
  field: string;
  option: string;
  value: number;
}

/** What a container of Docker gets from its engine (`runner/backend/container-spec.ts`), and this one does not. */
export function ownLimits({ processes, file_bytes }: NonNullable<WrapperLaunch['limits']>): OwnLimit[] {
  return [
    { field: 'Max core file size', option: 'core', value: 0 },
    ...(processes === undefined ? [] : [{ field: 'Max processes', option: 'nproc', value: processes }]),
    ...(file_bytes === undefined ? [] : [{ field: 'Max file size', option: 'fsize', value: file_bytes }]),
  ];
}

/**
 * Sets them for this process and all that it will start, as hard limits, which an ordinary user cannot raise again. Node cannot do
 * that itself; `prlimit`, which every Debian has, does it for whoever has the same user.
 *
 * @throws when they cannot be set
 */
export function setOwnLimits(limits: NonNullable<WrapperLaunch['limits']>): void {
  const options = ownLimits(limits).map(({ option, value }) => `--${option}=${value}:${value}`);
  execFileSync('prlimit', ['--pid', String(process.pid), ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
}
