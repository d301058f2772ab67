/** What a day has shown of one host. */
export interface Host {
  readonly cores: number;
  readonly memoryMb: number;
  readonly places: number;
  /** Most containers that ran at once, and parked sessions at the end. */
  readonly live: number;
  readonly parked: number;
  /** Of what does not grow with sessions: edge, runner, engine. */
  readonly baseMb: number;
  /** Of a container, without `claude`. */
  readonly perLiveMb: number;
  /** The process with the largest share of its descriptors, with no session and with `live` ones. */
  readonly descriptors: {
    readonly process: string;
    readonly before: number;
    readonly most: number;
    readonly limit: number;
  };
  /** Containers a second: in a rush at the beginning, and wanted in the busiest minute of the day. */
  readonly starts: { readonly most: number; readonly wanted: number };
  /** Of a parked session, and free on the disk. */
  readonly diskKb: number;
  readonly diskFreeKb: number;
}

export interface Limit {
  readonly name: string;
  /** Of the limit, how much this day has taken: 1 is all. */
  readonly share: number;
  /** Where it is met, in the limit's own words. */
  readonly at: string;
  /** What it would take to move it. */
  readonly move: string;
}

/** What the real `claude` has when it is idle, several at once: resident memory that it shares with no other (PSS), MB. */
const CLAUDE_MB = 122;
/** Of the memory, what sessions may have: the rest is the system's. */
const USABLE = 0.9;

/** The limits of a host, the one that is met first first. */
export function limitsOf(host: Host): Limit[] {
  const { descriptors, starts } = host;
  const each = host.perLiveMb + CLAUDE_MB;
  const usable = host.memoryMb * USABLE;
  const perLive = (descriptors.most - descriptors.before) / Math.max(1, host.live);
  const limits: Limit[] = [
    {
      name: 'places',
      share: host.live / host.places,
      at: `${host.places} live sessions`,
      move: 'RUNNER_CAPACITY, as far as memory and processors go',
    },
    {
      name: 'memory',
      share: (host.baseMb + host.live * each) / usable,
      at: `${Math.floor((usable - host.baseMb) / each)} live sessions with the real claude (${host.perLiveMb.toFixed(0)} MB a session, and ${CLAUDE_MB} of its own)`,
      move: 'more memory, or a shorter idle_timeout_seconds: parked sessions have none',
    },
    {
      name: `descriptors of ${descriptors.process}`,
      share: descriptors.most / descriptors.limit,
      at:
        perLive > 0
          ? `${Math.floor((descriptors.limit - descriptors.before) / perLive)} live sessions`
          : 'never: they do not grow',
      move: 'a higher limit of open files (ulimit -n, LimitNOFILE)',
    },
    {
      name: 'starts of containers',
      share: starts.wanted / starts.most,
      at: `${starts.most.toFixed(1)} a second on ${host.cores} cores, ${(60 * starts.most).toFixed(0)} a minute`,
      move: 'more cores: a start is work of the engine, runc and the wrapper; or a longer idle_timeout_seconds: fewer wake-ups',
    },
    {
      name: 'disk',
      share: (host.parked * host.diskKb) / (host.parked * host.diskKb + host.diskFreeKb),
      at: `${Math.floor((host.diskFreeKb + host.parked * host.diskKb) / host.diskKb)} parked sessions with such files (${host.diskKb.toFixed(0)} KB each)`,
      move: 'LOCAL_COPY_DAYS with an S3 bucket, SESSION_RETENTION_DAYS, or a larger disk',
    },
  ];
  return limits.toSorted((a, b) => b.share - a.share);
}

/**
 * What a measure does over a long run: its least in the last third against its least in the second, as a ratio. The least, because
 * Node's memory goes up and down by a hundred MB with what it has not collected yet.
 */
export function growth(values: readonly number[]): number {
  const third = Math.max(1, Math.floor(values.length / 3));
  return Math.min(...values.slice(-third)) / Math.min(...values.slice(third, 2 * third));
}

/** Of these times (milliseconds), how many are in the minute that has most. */
export function busiestMinute(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  let [most, from] = [0, 0];
  for (const [at, time] of sorted.entries()) {
    while (time - (sorted[from] ?? time) >= 60_000) from += 1;
    most = Math.max(most, at - from + 1);
  }
  return most;
}
