import * as z from 'zod';
import { enrolAnswer } from '../../protocol/link/runner-enrolment.ts';
import { messageOf, type Log } from '../lib/log.ts';
import type { Credentials, RunnerToken } from '../link/control-connection.ts';
import type { RunnerKey } from './runner-key.ts';

/** Longest wait for the edge's answer, milliseconds. */
const ANSWER_MS = 10_000;

const problem = z.object({ detail: z.string() });

export interface IdentityOptions {
  /** The edge, http(s). */
  edgeUrl: string;
  key: RunnerKey;
  /** The one-time code (`RUNNER_TOKEN`); absent: none is needed any more. */
  code: string | undefined;
  log: Log;
}

const NO_CODE =
  'the edge does not know this runner’s key, and RUNNER_TOKEN is not set: make a code with `npm run --silent token -- --kind runner --sub NAME`';

/** Who this runner is to the edge: it enrols its key once, and signs a token with it for each connection. */
export class RunnerIdentity implements Credentials {
  readonly #options: IdentityOptions;
  /** The edge has said that it does not know the key. */
  #isUnknown = false;
  #enrolling: Promise<RunnerToken> | null = null;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  async token(): Promise<RunnerToken> {
    const { key } = this.#options;
    if (key.name !== null && !this.#isUnknown) return { token: await key.token(key.name) };
    // A code is used once, whoever asks for a token meanwhile.
    this.#enrolling ??= this.#enrol().finally(() => (this.#enrolling = null));
    return this.#enrolling;
  }

  unknown(): void {
    this.#isUnknown = true;
  }

  async #enrol(): Promise<RunnerToken> {
    const { edgeUrl, key, code, log } = this.#options;
    if (code === undefined) return { problem: NO_CODE, isRefusal: true };
    let response: Response;
    let body: unknown;
    try {
      response = await fetch(`${edgeUrl}/api/v1/runner/enrol`, {
        method: 'POST',
        headers: { authorization: `Bearer ${code}`, 'content-type': 'application/json' },
        body: JSON.stringify({ public_key: key.publicKey }),
        // A redirect would send the code to another server.
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      body = await response.json();
    } catch (error) {
      return { problem: `the edge is away: ${messageOf(error)}`, isRefusal: false };
    }
    const enrolled = response.status === 201 ? enrolAnswer.safeParse(body).data : undefined;
    if (enrolled === undefined) {
      const detail = problem.safeParse(body).data?.detail ?? `HTTP ${response.status}`;
      return { problem: `the edge does not enrol this runner: ${detail}`, isRefusal: response.status < 500 };
    }
    const { name } = enrolled;
    key.enrolled(name);
    this.#isUnknown = false;
    log.info('enrolled', { edge: edgeUrl, name });
    return { token: await key.token(name) };
  }
}
