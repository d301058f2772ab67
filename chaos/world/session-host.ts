/** A process of a session that lives. */
export interface SessionProcess {
  readonly pid: number;
  readonly sessionId: string;
  readonly what: 'wrapper' | 'claude' | 'tool';
}

/** Where the sessions of a run live, as somebody sees it who is not the service: the machine's processes, or a Docker engine. */
export interface SessionHost {
  /** The most containers that each session had at one time. */
  readonly mostContainers: ReadonlyMap<string, number>;
  /** What lives of the sessions. */
  processes(): Promise<SessionProcess[]>;
  /** Kills all that lives of a session. @returns whether there was anything */
  killAll(sessionId: string): Promise<boolean>;
  /** What there is of sessions that are deleted: a sentence each. */
  left(): Promise<string[]>;
  /** Ends all that is left of them. */
  close(): Promise<void>;
}
