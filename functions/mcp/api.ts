import type { z } from 'zod';
import { problem, type Problem } from '../../protocol/api/problem.ts';

/** The result of a call of the API. */
export type Answered<T> = { readonly data: T } | { readonly problem: Problem };

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request of the HTTP API in this same process. */
export type Serve = (request: Request) => Response | Promise<Response>;

/** The HTTP API for the caller of a tool. It uses the caller's own token, so the API itself checks every right. */
export class Api {
  readonly #serve: Serve;
  readonly #origin: string;
  readonly #headers: Readonly<Record<string, string>>;

  /**
   * @param origin where the caller reached this service: answers name it
   * @param headers who calls, and from where: sent with every call
   */
  constructor(serve: Serve, origin: string, headers: Readonly<Record<string, string>>) {
    this.#serve = serve;
    this.#origin = origin;
    this.#headers = headers;
  }

  /** A call that is answered with JSON. The result has only the fields that `schema` names. */
  async call<T>(schema: z.ZodType<T>, method: string, path: string, options: CallOptions = {}): Promise<Answered<T>> {
    const answered = await this.open(method, path, options);
    if ('problem' in answered) return answered;
    return { data: schema.parse(await answered.data.json()) };
  }

  /** A call whose answer is not JSON. The caller has to read or cancel the body. */
  async open(method: string, path: string, { body, headers = {} }: CallOptions = {}): Promise<Answered<Response>> {
    const response = await this.#serve(
      new Request(`${this.#origin}/api/v1${path}`, {
        method,
        headers: { ...headers, ...this.#headers, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    );
    return response.status < 400 ? { data: response } : { problem: problem.parse(await response.json()) };
  }
}

/** A path of the API. Each `{}` is replaced by an escaped part: `pathOf('/sessions/{}/stop', id)` */
export function pathOf(template: string, ...parts: readonly string[]): string {
  let next = 0;
  return template.replaceAll('{}', () => encodeURIComponent(parts[next++] ?? ''));
}

/** A query string of the options that are set, with its `?`; empty if none is. */
export function queryOf(options: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
