import { AsyncLocalStorage, type WebSocket } from './node.mjs';

/** A request that is being answered. */
export interface Exchange {
  /** Its `x-request-id`: what is called for it has the same, so that its lines in both edges' logs are found together. */
  readonly requestId: string;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** What is asked after that is not for the client, such as what was counted. */
  isAnswered: boolean;
  /** The session's socket that was opened for the client, which is to be upgraded. */
  upgraded: WebSocket | null;
}

/** The request on whose behalf something is called: the handlers' environment is the same for all of them. */
export const exchanges = new AsyncLocalStorage<Exchange>();
