/** Samples are compared with one from at most so long ago, milliseconds. */
const WINDOW_MS = 15_000;
/** Less growth than this is nobody's fault, bytes. */
const LEAST = 1024 * 1024;

interface Sample {
  at: number;
  bytes: number;
}

/** How much the files of each session have grown. */
export class Growth {
  readonly #samples = new Map<string, Sample[]>();

  /** Adds what a session's files take now. `at`: milliseconds on any clock. */
  add(session: string, bytes: number, at: number): void {
    const known = this.#samples.get(session) ?? [];
    const recent = known.filter((sample) => at - sample.at <= WINDOW_MS);
    // The last one before that is kept: nothing newer may say how it was before the disk filled.
    const before = known.filter((sample) => at - sample.at > WINDOW_MS).at(-1);
    this.#samples.set(session, [...(before === undefined ? [] : [before]), ...recent, { at, bytes }]);
  }

  /** Forgets all sessions but these. */
  keep(sessions: ReadonlySet<string>): void {
    for (const session of this.#samples.keys()) if (!sessions.has(session)) this.#samples.delete(session);
  }

  has(session: string): boolean {
    return this.#samples.has(session);
  }

  /** The session whose files grow fastest; when none grows any more, the one that grew most lately. Undefined: none has. */
  fastest(): string | undefined {
    return (
      this.#most((samples, last) => {
        const first = samples.find((sample) => last.at - sample.at <= WINDOW_MS) ?? last;
        return first === last ? 0 : ((last.bytes - first.bytes) / (last.at - first.at)) * 1000;
      }) ?? this.#most((samples, last) => last.bytes - (samples[0] ?? last).bytes)
    );
  }

  #most(growthOf: (samples: readonly Sample[], last: Sample) => number): string | undefined {
    const grown = [...this.#samples].flatMap(([session, samples]) => {
      const last = samples.at(-1);
      return last === undefined ? [] : [{ session, growth: growthOf(samples, last) }];
    });
    const [first] = grown.filter(({ growth }) => growth >= LEAST).toSorted((a, b) => b.growth - a.growth);
    return first?.session;
  }
}
