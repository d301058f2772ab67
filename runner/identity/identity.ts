import { Agent, request } from 'undici';
import * as z from 'zod';
import { enrolAnswer } from '../../protocol/link/runner-enrolment.ts';
import { proxyConnector } from '../lib/upstream-proxy/connector.ts';
import { NO_PROXIES, type UpstreamProxies } from '../lib/upstream-proxy/proxies.ts';
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
  /** On the way to the edge; absent: none. */
  proxies?: UpstreamProxies;
}

const NO_CODE =
  'the edge does not know this runner’s key, and RUNNER_TOKEN is not set: make a code with `npm run --silent token -- --kind runner --sub NAME`';

/** Who this runner is to the edge: it enrols its key once, and signs a token with it for each connection. */
export class RunnerIdentity implements Credentials {
  readonly #options: IdentityOptions;
  readonly #edge: Agent;
  /** The edge has said that it does not know the key. */
  #isUnknown = false;
  #enrolling: Promise<RunnerToken> | null = null;

  constructor(options: IdentityOptions) {
    this.#options = options;
    this.#edge = new Agent({ connect: proxyConnector(options.proxies ?? NO_PROXIES, ANSWER_MS) });
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
    let status: number;
    let body: unknown;
    try {
      // It follows no redirect, which would send the code to another server.
      const answer = await request(`${edgeUrl}/api/v1/runner/enrol`, {
        method: 'POST',
        headers: { authorization: `Bearer ${code}`, 'content-type': 'application/json' },
        body: JSON.stringify({ public_key: key.publicKey }),
        signal: AbortSignal.timeout(ANSWER_MS),
        dispatcher: this.#edge,
      });
      status = answer.statusCode;
      body = await answer.body.json();
    } catch (error) {
      return { problem: `the edge is away: ${messageOf(error)}`, isRefusal: false };
    }
    const enrolled = status === 201 ? enrolAnswer.safeParse(body).data : undefined;
    if (enrolled === undefined) {
      const detail = problem.safeParse(body).data?.detail ?? `HTTP ${status}`;
      return { problem: `the edge does not enrol this runner: ${detail}`, isRefusal: status < 500 };
    }
    const { name } = enrolled;
    key.enrolled(name);
    this.#isUnknown = false;
    log.info('enrolled', { edge: edgeUrl, name });
    return { token: await key.token(name) };
  }
}
