import type { Message, MessageError, Problem } from './types.ts';

/**
 * - one of the API's problem codes (`docs/api.md`), or of a message's errors
 * - `unreachable`: the network, or the service is not there
 * - `bad_answer`: what answered is not CC-Docker, or not as it should be
 *
 * A later version may have others.
 */
export type CcDockerErrorCode = Problem['code'] | MessageError['code'] | 'unreachable' | 'bad_answer' | (string & {});

export interface CcDockerErrorFields {
  readonly code: CcDockerErrorCode;
  readonly detail: string;
  readonly status?: number | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly requestId?: string | undefined;
  readonly errors?: Problem['errors'];
  readonly cause?: unknown;
}

/** Why a call, a stream or a message failed. Tell them apart by `code`. */
export class CcDockerError extends Error {
  override readonly name: string = 'CcDockerError';
  readonly code: CcDockerErrorCode;
  /** A sentence for people, which says what to do where something can be done. */
  readonly detail: string;
  /** Of the HTTP answer; undefined: there was none. */
  readonly status: number | undefined;
  /** Whether the same call may succeed later, without anything being changed. */
  readonly retryable: boolean;
  /** When it may, milliseconds from now; undefined: the service did not say. */
  readonly retryAfterMs: number | undefined;
  /** By which the service's logs know the call. */
  readonly requestId: string | undefined;
  /** Which fields of the request do not fit. */
  readonly errors: Problem['errors'];

  constructor(fields: CcDockerErrorFields) {
    super(`${fields.detail} (${fields.code})`, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = fields.code;
    this.detail = fields.detail;
    this.status = fields.status;
    this.retryable = fields.retryable;
    this.retryAfterMs = fields.retryAfterMs;
    this.requestId = fields.requestId;
    this.errors = fields.errors;
  }
}

/** A message did not complete: its turn failed or was interrupted. */
export class MessageFailed extends CcDockerError {
  override readonly name = 'MessageFailed';
  /** The message as it ended, with its turns and what it cost. */
  readonly view: Message;

  constructor(view: Message) {
    const { code, detail } = view.error ?? { code: view.status, detail: `The message is ${view.status}.` };
    super({ code, detail, retryable: false });
    this.view = view;
  }
}
