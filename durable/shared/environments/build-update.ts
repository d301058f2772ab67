import type { Reason } from '../../../protocol/reason.ts';

/** What a session that waits for the build of an environment's image reports to its owner's directory. */
export type BuildUpdate = { readonly build_id: string } & (
  | {
      readonly is: 'started';
      readonly environment: string;
      readonly revision: string | null;
      /** Epoch milliseconds. */
      readonly started: number;
      readonly runner: string | null;
    }
  /** What it has written from `at` on, UTF-16 units from its beginning. */
  | { readonly is: 'output'; readonly at: number; readonly text: string }
  | { readonly is: 'ready'; readonly finished: number; readonly bytes: number | null }
  | { readonly is: 'failed'; readonly finished: number; readonly reason: Reason; readonly line: number | null }
  /** The session waits for it no longer, and does not know what became of it. */
  | { readonly is: 'left'; readonly finished: number; readonly reason: Reason }
);
