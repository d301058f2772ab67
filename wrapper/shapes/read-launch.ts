import { readFileSync } from 'node:fs';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import { LAUNCH_SHAPE } from './launch-shape.ts';
import { problemWith } from './shape.ts';

/** Reads a `launch.json`. @throws when it is none */
export function readLaunchFile(path: string): WrapperLaunch {
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
  assertLaunch(value, path);
  return value;
}

function assertLaunch(value: unknown, path: string): asserts value is WrapperLaunch {
  // What this wrapper does not know may be what keeps a session in its bounds.
  const problem = problemWith(value, LAUNCH_SHAPE, { exact: true });
  if (problem !== null) throw new Error(`${path}: ${problem}`);
}
