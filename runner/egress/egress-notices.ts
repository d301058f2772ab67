import type { RunnerNotice } from '../../protocol/link/runner-notice.ts';
import type { Decision } from './policy/decision.ts';

type EgressNotice = Extract<RunnerNotice, { host_notice: 'egress' }>;

/** A repeated decision is told again after this long at the earliest, milliseconds. */
export const MERGE_MS = 5_000;
/** Decisions told apart in one interval: a container that tries names by the thousand does not fill the log. */
const TOLD_APART = 64;
const OTHERS = '(other hosts)';

/**
 * Merges decisions into notices: the first of a kind is told at once; its repeats, and the bytes of what has ended, together every
 * `MERGE_MS` and at the end. A notice of bytes alone has `count` 0.
 */
export class EgressNotices {
  readonly #tell: (notices: EgressNotice[]) => void;
  readonly #intervalMs: number;
  /** Told in this interval, or waiting for its end. */
  #kinds = new Map<string, EgressNotice>();
  #timer: NodeJS.Timeout | undefined;

  /** @param tell given one or more notices, which are its own from then on */
  constructor(tell: (notices: EgressNotice[]) => void, intervalMs = MERGE_MS) {
    this.#tell = tell;
    this.#intervalMs = intervalMs;
  }

  add(decision: Decision): void {
    const { kind, fresh } = this.#kind(decision);
    if (decision.phase === 'opened') kind.count++;
    kind.bytes_sent += decision.bytesSent;
    kind.bytes_received += decision.bytesReceived;
    if (fresh && decision.phase === 'opened') this.#tell([take(kind)]);
    this.#timer ??= setTimeout(() => this.#flush(), this.#intervalMs).unref();
  }

  /** Tells what waits. What is added afterwards is told as before. */
  close(): void {
    clearTimeout(this.#timer);
    this.#flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #kind({ host, port, verdict, rule }: Decision): { kind: EgressNotice; fresh: boolean } {
    const named = this.#kinds.get(keyOf(verdict, host, port, rule));
    if (named !== undefined) return { kind: named, fresh: false };
    const known = this.#kinds.size < TOLD_APART;
    const [shownHost, shownPort] = known ? [host.slice(0, 300), port] : [OTHERS, 0];
    const shownRule = known
      ? rule.slice(0, 512)
      : `more than ${TOLD_APART} different ones in ${this.#intervalMs / 1000} s`;
    const key = keyOf(verdict, known ? host : OTHERS, shownPort, known ? rule : '');
    const waiting = this.#kinds.get(key);
    if (waiting !== undefined) return { kind: waiting, fresh: false };
    const kind = none(verdict, shownHost, shownPort, shownRule);
    this.#kinds.set(key, kind);
    return { kind, fresh: known };
  }

  #flush(): void {
    this.#timer = undefined;
    const before = this.#kinds;
    this.#kinds = new Map();
    const notices: EgressNotice[] = [];
    for (const [key, kind] of before) {
      if (kind.count === 0 && kind.bytes_sent === 0 && kind.bytes_received === 0) continue;
      notices.push(take(kind));
      // Told just now, so its next is a repeat again.
      this.#kinds.set(key, kind);
    }
    if (notices.length === 0) return;
    this.#tell(notices);
    this.#timer = setTimeout(() => this.#flush(), this.#intervalMs).unref();
  }
}

function keyOf(verdict: Decision['verdict'], host: string, port: number, rule: string): string {
  return JSON.stringify([verdict, host, port, rule]);
}

function none(verdict: Decision['verdict'], host: string, port: number, rule: string): EgressNotice {
  return { host_notice: 'egress', host, port, verdict, rule, count: 0, bytes_sent: 0, bytes_received: 0 };
}

function take(kind: EgressNotice): EgressNotice {
  const notice = { ...kind };
  kind.count = 0;
  kind.bytes_sent = 0;
  kind.bytes_received = 0;
  return notice;
}
