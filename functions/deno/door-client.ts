import { RpcSession, type RpcTransport } from 'capnweb';
import type { Calls } from '../door/calls.ts';
import { REQUEST_ID } from '../telemetry/request-id.ts';
import { exchanges } from './exchange.ts';

/** Largest message of a call, UTF-16 units: above what a call may carry (32 MiB within workerd, and bytes are base64 here). */
const MAX_MESSAGE = 64 * 1024 * 1024;

/** The edge that has the objects cannot be reached, or answers otherwise than it should. Handlers answer 503 (`isTransient`). */
export class EdgeUnreachable extends Error {
  readonly retryable = true;
}

/** The way to the objects: the door of the edge that has them. */
export class DoorClient {
  readonly url: string;
  readonly #authorization: string;

  /** @param url of that edge @param token a service token of it */
  constructor(url: string, token: string) {
    this.url = `${url}/objects`;
    this.#authorization = `Bearer ${token}`;
  }

  /** The headers of a request that is made now: with the id of the one for which it is. */
  get headers(): Readonly<Record<string, string>> {
    const exchange = exchanges.getStore();
    return { authorization: this.#authorization, ...(exchange && { [REQUEST_ID]: exchange.requestId }) };
  }

  /**
   * Sends a request through the door. It is given up when the client goes away for whom it is.
   *
   * @throws {EdgeUnreachable} no answer, or the door is closed
   */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const exchange = exchanges.getStore();
    const signal = init.signal ?? (exchange?.isAnswered === false ? exchange.signal : null);
    let answer: Response;
    try {
      answer = await fetch(`${this.url}${path}`, { redirect: 'manual', ...init, headers: this.headers, signal });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw unreachable(String(error));
    }
    return answer;
  }

  /** Calls a method of an object. @throws what the object throws, with its marks; {EdgeUnreachable} */
  async call(binding: string, name: string, method: string, args: unknown[]): Promise<unknown> {
    const batch = new Batch();
    const session = new RpcSession<Calls>(batch, undefined, { limits: { maxMessageSize: MAX_MESSAGE } });
    // `then`: only for what is waited for is an answer asked, and that has to be in the batch.
    const result = session
      .getRemoteMain()
      .call(binding, name, method, args)
      .then((value: unknown) => value);
    const [answer] = await Promise.all([result, this.#exchange(batch)]);
    return answer;
  }

  async #exchange(batch: Batch): Promise<void> {
    try {
      const answer = await this.fetch('/calls', { method: 'POST', body: batch.sent() });
      const text = await answer.text();
      if (answer.status !== 200) throw unreachable(`${answer.status} ${text.slice(0, 300)}`);
      batch.arrived(text);
    } catch (error) {
      batch.broke(error);
    }
  }
}

function unreachable(why: string): EdgeUnreachable {
  console.error(`edge: the objects cannot be reached (EDGE_OBJECTS_URL): ${why}`);
  return new EdgeUnreachable(`The objects cannot be reached: ${why}`);
}

/** The messages of one call: all are sent at once, and answered at once (capnweb's HTTP batch). */
class Batch implements RpcTransport {
  readonly #sent: string[] = [];
  readonly #arrived = Promise.withResolvers<string[]>();

  send(message: string): void {
    this.#sent.push(message);
  }

  async receive(): Promise<string> {
    const message = (await this.#arrived.promise).shift();
    if (message === undefined) throw new EdgeUnreachable('the answer ended too soon');
    return message;
  }

  /** What is to be sent. */
  sent(): string {
    return this.#sent.join('\n');
  }

  arrived(text: string): void {
    this.#arrived.resolve(text === '' ? [] : text.split('\n'));
  }

  broke(error: unknown): void {
    this.#arrived.reject(error);
  }
}
