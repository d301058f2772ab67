/** A request that a chat gets. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What it answers, and what people then see; absent: nothing. */
export interface ChatAnswer {
  readonly status: number;
  readonly body: string;
  readonly shown?: readonly string[];
}
