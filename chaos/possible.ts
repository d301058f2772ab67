import { whyNoLoopDisk } from '../test/support/disk/loop-disk.ts';
import type { FaultKind } from './plan.ts';
import { whyNoClock } from './world/clock/clock.ts';

/** Why this machine cannot make a fault of this kind; undefined: it can. */
function whyNot(kind: FaultKind, backend: 'process' | 'docker'): string | undefined {
  if (kind === 'clock') return whyNoClock();
  if (kind === 'disk') return whyNoLoopDisk();
  if (backend === 'docker' && (kind === 'wrapper' || kind === 'claude') && process.getuid?.() !== 0)
    return 'only root may kill single processes of a container';
  return undefined;
}

/** Those of these kinds that this machine can make. @param say gets a sentence for each of the others */
export function possible(
  kinds: readonly FaultKind[],
  backend: 'process' | 'docker',
  say: (line: string) => void,
): FaultKind[] {
  return kinds.filter((kind) => {
    const why = whyNot(kind, backend);
    if (why !== undefined) say(`without ${kind}: ${why}`);
    return why === undefined;
  });
}
