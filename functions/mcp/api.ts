import type { z } from 'zod';
import { problem, type Problem } from '../../protocol/api/problem.ts';

/** What a call of the API came to. */
export type Answered<T> = { readonly data: T } | { readonly problem: Problem };

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request of the HTTP API, in this very process. */
export type Serve = (request: Request) => Response | Promise<Response>;

/** The HTTP API as the caller of a tool may use it: with the caller's own token, so that what is valid and whose is what is decided there. */
export class Api {
  readonly #serve: Serve;
  readonly #origin: string;
  readonly #authorization: string;

  /** @param origin where the caller reached this service, which answers name */
  constructor(serve: Serve, origin: string, authorization: string) {
    this.#serve = serve;
    this.#origin = origin;
    this.#authorization = authorization;
  }

  /** A call that is answered with JSON: of its answer, what `schema` names. */
  async call<T>(schema: z.ZodType<T>, method: string, path: string, options: CallOptions = {}): Promise<Answered<T>> {
    const answered = await this.open(method, path, options);
    if ('problem' in answered) return answered;
    return { data: schema.parse(await answered.data.json()) };
  }

  /** A call whose answer is not JSON: the body is the caller's to read, or to cancel. */
  async open(method: string, path: string, { body, headers = {} }: CallOptions = {}): Promise<Answered<Response>> {
    const response = await this.#serve(
      new Request(`${this.#origin}/api/v1${path}`, {
        method,
        headers: { ...headers, authorization: this.#authorization, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    );
    return response.status < 400 ? { data: response } : { problem: problem.parse(await response.json()) };
  }
}

/** A path of the API: what stands in braces is escaped. `pathOf('/sessions/{}/stop', id)` */
export function pathOf(template: string, ...parts: readonly string[]): string {
  let next = 0;
  return template.replaceAll('{}', () => encodeURIComponent(parts[next++] ?? ''));
}

/** A query string of what is there, with its `?`; empty when nothing is. */
export function queryOf(options: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
