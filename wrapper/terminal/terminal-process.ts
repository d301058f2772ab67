import type { TerminalChannel } from '../../protocol/api/session/terminal.ts';

/** How a command ended. `signal`, such as `TERM`: it was ended by it, and has no `code`. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface ProcessListener {
  output(channel: TerminalChannel, bytes: Uint8Array): void;
  /** It has ended with all that it started, and all of its output has come. */
  ended(end: ProcessEnd): void;
}

/** What to run. */
export interface ProcessRequest {
  /** A command and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** This is in its environment, `NAME=value`, and in that of all that it starts: by this they are ended with it. */
  readonly mark: string;
  readonly cols: number;
  readonly rows: number;
}

/** A command that runs in a terminal, or between pipes. */
export interface TerminalProcess {
  /** Resolves when the command has room for more. What it does not read any more is dropped. */
  write(bytes: Uint8Array): Promise<void>;
  /** Its input has ended. */
  end(): void;
  resize(cols: number, rows: number): void;
  /** For its process group; in a terminal, for the group that has the keyboard. */
  signal(name: NodeJS.Signals): void;
  /** Stops reading its output, so that it waits. */
  pause(): void;
  resume(): void;
  /** Ends it with all that it started, at once. `ended` follows. */
  kill(): void;
}
