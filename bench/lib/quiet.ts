import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** Of all cores together: less is quiet. Idle, the stack under measurement takes 1 to 3%. */
const QUIET_SHARE = 0.12;
const WINDOW_MS = 100;
const PATIENCE_MS = 2000;
/** All waits in vain together; then it is measured as it comes, so that a busy machine does not make it take for ever. */
const TOTAL_PATIENCE_MS = 40_000;

/** Waits, before a measurement, for the machine to have nothing else to do; and remembers how often that was in vain. */
export class Quiet {
  waits = 0;
  /** Of these waits: the machine stayed busy, and it was measured all the same. */
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

/** Milliseconds of all cores since the machine started. */
function busyTime(): { busy: number; all: number } {
  let busy = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    idle += times.idle;
  }
  return { busy, all: busy + idle };
}
