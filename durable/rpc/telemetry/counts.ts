import { Registry, type Histogram } from '../../../protocol/metrics/registry.ts';
import type { LabelsOf, NameOf } from '../../../protocol/metrics/catalogue.ts';
import type { HandlerObjects } from '../callable.ts';
import { gateStub } from '../edge-env.ts';
import type { OpenViewers } from '../gate-rpc.ts';

/** What is counted in this isolate, by handlers and objects alike, goes to the gate together: at most once in this time, milliseconds. */
const SEND_MS = 1000;
/** A sending that is this late does not come: the object that was to do it has ended, milliseconds. */
const GONE_MS = 5 * SEND_MS;

/** How often a session that is watched says so, milliseconds. */
export const VIEWER_REPORT_MS = 60_000;

type Env = Pick<HandlerObjects, 'GATE'>;

const registry = new Registry();
/** What sessions have said of their viewers since the last sending. */
const viewers = new Map<string, OpenViewers>();
/** When the next sending is due, epoch milliseconds; null: none is. */
let due: number | null = null;

/** Counts something. It is sent later, by `sendTelemetry`. */
export function count<Name extends NameOf<'counter'>>(name: Name, labels: LabelsOf<Name>, by?: number): void {
  registry.count(name, labels, by);
}

/** Counts a duration, seconds. */
export function observe<Name extends NameOf<'histogram'>>(name: Name, labels: LabelsOf<Name>, seconds: number): void {
  registry.observe(name, labels, seconds);
}

/** As `observe`, of a histogram whose labels were written before (`histogramOf`). */
export function observeIn(histogram: Histogram, seconds: number): void {
  registry.observeIn(histogram, seconds);
}

/** How many streams of a session are open now. Said again from time to time, so that a gate that has restarted knows it. */
export function countViewers(sessionId: string, open: OpenViewers): void {
  viewers.set(sessionId, open);
}

/**
 * Sends what was counted, within a second and together with what else is counted until then.
 *
 * @param keep keeps the caller's request or object alive for so long
 */
export function sendTelemetry(env: Env, keep: (sending: Promise<void>) => void): void {
  if (due !== null && Date.now() < due + GONE_MS) return;
  due = Date.now() + SEND_MS;
  keep(sendLater(env));
}

async function sendLater(env: Env): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, SEND_MS));
  due = null;
  try {
    await sendTelemetryNow(env);
  } catch (error) {
    // Nobody's call fails because it could not be counted. What was counted goes with the next sending.
    console.warn(`metrics: the gate cannot be told: ${String(error)}`);
  }
}

/** Sends what was counted in this isolate. @throws when the gate cannot be reached */
export async function sendTelemetryNow(env: Env): Promise<void> {
  if (registry.isEmpty && viewers.size === 0) return;
  const counts = registry.take();
  const open = Object.fromEntries(viewers);
  viewers.clear();
  try {
    await gateStub(env).report({ counts, viewers: open });
  } catch (error) {
    registry.giveBack(counts);
    for (const [id, one] of Object.entries(open)) if (!viewers.has(id)) viewers.set(id, one);
    throw error;
  }
}
