import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** Share of all cores' time. Less counts as quiet. While idle, the measured stack itself takes 1 to 3%. */
const QUIET_SHARE = 0.12;
const WINDOW_MS = 100;
const PATIENCE_MS = 2000;
/** Total time of all waits in vain. After that there are no more long waits: on a busy machine the run must end too. */
const TOTAL_PATIENCE_MS = 40_000;

/** Waits before a measurement until the machine has nothing else to do, and counts how often that was in vain. */
export class Quiet {
  waits = 0;
  /** Waits after which the machine was still busy; the measurement was made anyway. */
  inVain = 0;
  #patience = TOTAL_PATIENCE_MS;

  async wait(signal: AbortSignal): Promise<void> {
    this.waits += 1;
    const patience = Math.min(PATIENCE_MS, this.#patience);
    const deadline = performance.now() + Math.max(WINDOW_MS, patience);
    let before = busyTime();
    while (performance.now() < deadline) {
      await delay(WINDOW_MS, undefined, { signal });
      const after = busyTime();
      if ((after.busy - before.busy) / Math.max(1, after.all - before.all) < QUIET_SHARE) return;
      before = after;
    }
    this.inVain += 1;
    this.#patience -= patience;
  }
}

/** Milliseconds over all cores since the machine started. */
function busyTime(): { busy: number; all: number } {
  let busy = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    idle += times.idle;
  }
  return { busy, all: busy + idle };
}
