import type { WorkspaceLimits } from '../lib/disk/usage.ts';
import type { TreeRequest } from './answer-request.ts';
import type { FilesAnswer } from './answer.ts';

export interface LiveRequest {
  request: TreeRequest;
  /** The limits of the session's files; null: none. */
  limits: WorkspaceLimits | null;
  /** The request's body. It throws if the sender disconnects before its end. */
  body: AsyncIterable<Uint8Array>;
}

/** The files of a session that runs on another machine: they are there, and what this one has is a copy from before. */
export interface LiveFiles {
  /** Answers a request. An expected failure is a refusal; a connection that breaks throws, as does a body that does. */
  answer(request: LiveRequest): Promise<FilesAnswer>;
}
