interface Placed {
  readonly session_id: string;
  readonly epoch: number;
  readonly owner: string;
  readonly since: number;
}

/** A wait for a place. */
export interface Wait {
  readonly owner: string;
  readonly ms: number;
  readonly at: number;
}

/** What happened in the day. */
export class Measures {
  readonly waits: Wait[] = [];
  /** Calls of the pool's object, in and out, and rows that it writes; by second of the day. */
  readonly calls = new Map<number, number>();
  readonly written = new Map<number, number>();
  /** Real milliseconds that its decisions took, by second of the day; the longest; and the longest queue. */
  readonly thought = new Map<number, number>();
  longestThought = 0;
  longestQueue = 0;
  decisions = 0;
  sessionInputs = 0;
  completed = 0;
  failed = 0;
  /** By message: sent, and not ended. */
  readonly #open = new Set<string>();
  /** What must not be: ended twice, or a container twice. */
  readonly wrong: string[] = [];
  /** Jain's index of the owners that wait, minute by minute. */
  readonly fairness: number[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get unsettled(): number {
    return this.#open.size;
  }

  poolCall(count = 1): void {
    this.#add(this.calls, count);
  }

  rows(count: number): void {
    this.#add(this.written, count);
  }

  scheduled(ms: number, waiting: number): void {
    this.decisions += 1;
    this.#add(this.thought, ms);
    this.longestThought = Math.max(this.longestThought, ms);
    this.longestQueue = Math.max(this.longestQueue, waiting);
  }

  placed({ owner, since }: Placed, now: number): void {
    this.waits.push({ owner, ms: now - since, at: now });
  }

  sessionInput(): void {
    this.sessionInputs += 1;
  }

  sent(messageId: string): void {
    this.#open.add(messageId);
  }

  settled(messageId: string, isCompleted: boolean): void {
    if (!this.#open.delete(messageId)) this.wrong.push(`${messageId} has ended twice`);
    if (isCompleted) this.completed += 1;
    else this.failed += 1;
  }

  #add(to: Map<number, number>, count: number): void {
    const second = Math.floor(this.#now() / 1000);
    to.set(second, (to.get(second) ?? 0) + count);
  }
}

/** The part of sorted numbers below which `part` of them are. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}

/** 1: all have the same; 1 / n: one of n has all (Jain, Chiu, Hawe, 1984). */
export function jain(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  const squares = shares.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? 1 : (sum * sum) / (shares.length * squares);
}
