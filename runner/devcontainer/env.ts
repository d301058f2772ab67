import * as z from 'zod';
import { agentEnv } from '../../protocol/settings/agent/agent-env.ts';
import type { DevcontainerFile } from './parse.ts';
import type { UnsupportedList } from './unsupported.ts';

/**
 * The variables of a field. Those that only CC-Docker sets, and what is more than a session may have, are named.
 *
 * @param others what the session has besides; the session's own counts in the end
 */
export function readEnv(
  file: DevcontainerFile,
  field: 'containerEnv' | 'remoteEnv',
  others: Readonly<Record<string, string>>,
  fill: (text: string, field: string) => string,
  unsupported: UnsupportedList,
): Record<string, string> {
  const given = z.record(z.string(), z.unknown()).safeParse(file[field] ?? {});
  if (!given.success) {
    unsupported.add(field, 'must be an object of variables');
    return {};
  }
  let env: Record<string, string> = {};
  for (const [name, value] of Object.entries(given.data)) {
    const named = `${field}: ${name}`;
    // Null takes a variable away: none is here that the file could know of.
    if (value === null) continue;
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      unsupported.add(named, 'must be a text');
      continue;
    }
    const next = { ...env, [name]: fill(String(value), named) };
    const parsed = agentEnv.safeParse({ ...next, ...others });
    if (parsed.success) env = next;
    else unsupported.add(named, parsed.error.issues[0]?.message ?? 'does not fit');
  }
  return env;
}
