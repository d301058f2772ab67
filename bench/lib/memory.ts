import { readFileSync } from 'node:fs';

/** Memory of this process, MB, by a field of `/proc/self/status`: `VmRSS` now, `VmHWM` at most. */
export function residentMb(field: 'VmRSS' | 'VmHWM'): number {
  const [, kb = '0'] = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Math.round(Number(kb) / 1024);
}
