import type { RunnerNotice } from '../../protocol/link/runner-notice.ts';
import type { Decision } from './policy/decision.ts';

type EgressNotice = Extract<RunnerNotice, { host_notice: 'egress' }>;

/** Minimum time between two notices of the same decision, milliseconds. */
export const MERGE_MS = 5_000;
/** Distinct decisions in one interval. A container that tries thousands of names must not fill the event log. */
const MAX_DISTINCT = 64;
const OTHERS = '(other hosts)';

/**
 * Merges decisions into notices. The first decision of a kind is sent at once. Its repeats, and the bytes of closed
 * connections, are sent together every `MERGE_MS` and at the end. A notice that only adds bytes has `count` 0.
 */
export class EgressNotices {
  readonly #send: (notices: EgressNotice[]) => void;
  readonly #intervalMs: number;
  /** Sent in this interval, or waiting for its end. */
  #merged = new Map<string, EgressNotice>();
  #timer: NodeJS.Timeout | undefined;

  /** @param send called with one or more notices, which it may keep */
  constructor(send: (notices: EgressNotice[]) => void, intervalMs = MERGE_MS) {
    this.#send = send;
    this.#intervalMs = intervalMs;
  }

  add(decision: Decision): void {
    const { entry, isNew } = this.#entry(decision);
    if (decision.phase === 'opened') entry.count++;
    entry.bytes_sent += decision.bytesSent;
    entry.bytes_received += decision.bytesReceived;
    if (isNew && decision.phase === 'opened') this.#send([take(entry)]);
    this.#timer ??= setTimeout(() => this.#flush(), this.#intervalMs).unref();
  }

  /** Sends what waits. Later decisions are still sent as before. */
  close(): void {
    clearTimeout(this.#timer);
    this.#flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #entry({ host, port, verdict, rule }: Decision): { entry: EgressNotice; isNew: boolean } {
    const named = this.#merged.get(keyOf(verdict, host, port, rule));
    if (named !== undefined) return { entry: named, isNew: false };
    const distinct = this.#merged.size < MAX_DISTINCT;
    const [shownHost, shownPort] = distinct ? [host.slice(0, 300), port] : [OTHERS, 0];
    const shownRule = distinct
      ? rule.slice(0, 512)
      : `more than ${MAX_DISTINCT} different ones in ${this.#intervalMs / 1000} s`;
    const key = keyOf(verdict, distinct ? host : OTHERS, shownPort, distinct ? rule : '');
    const waiting = this.#merged.get(key);
    if (waiting !== undefined) return { entry: waiting, isNew: false };
    const entry = emptyNotice(verdict, shownHost, shownPort, shownRule);
    this.#merged.set(key, entry);
    return { entry, isNew: distinct };
  }

  #flush(): void {
    this.#timer = undefined;
    const before = this.#merged;
    this.#merged = new Map();
    const notices: EgressNotice[] = [];
    for (const [key, entry] of before) {
      if (entry.count === 0 && entry.bytes_sent === 0 && entry.bytes_received === 0) continue;
      notices.push(take(entry));
      // Just sent, so the next decision of this kind is a repeat.
      this.#merged.set(key, entry);
    }
    if (notices.length === 0) return;
    this.#send(notices);
    this.#timer = setTimeout(() => this.#flush(), this.#intervalMs).unref();
  }
}

function keyOf(verdict: Decision['verdict'], host: string, port: number, rule: string): string {
  return JSON.stringify([verdict, host, port, rule]);
}

function emptyNotice(verdict: Decision['verdict'], host: string, port: number, rule: string): EgressNotice {
  return { host_notice: 'egress', host, port, verdict, rule, count: 0, bytes_sent: 0, bytes_received: 0 };
}

/** Copies an entry for sending and sets its counts to zero. */
function take(entry: EgressNotice): EgressNotice {
  const notice = { ...entry };
  entry.count = 0;
  entry.bytes_sent = 0;
  entry.bytes_received = 0;
  return notice;
}
