import * as z from 'zod';
import { CcDocker, CcDockerError } from '../../client/main.ts';
import type { Connection } from '../context/connection.ts';
import { duration } from '../output/quantities.ts';
import { bad, note, ok, type Finding } from './check.ts';

const WITHIN_MS = 5000;
/** Clocks that differ by more make the service refuse tokens. */
const LEEWAY_MS = 30_000;
/** A token that is over sooner is worth a word. */
const SOON_MS = 2 * 86_400_000;

const health = z.object({
  version: z.string(),
  time: z.string().optional(),
  parts: z.object({
    pool: z.object({
      runners: z.array(
        z.object({
          name: z.string(),
          backend: z.string(),
          ok: z.boolean(),
          detail: z.string(),
          capacity: z.int(),
          running: z.int(),
        }),
      ),
    }),
  }),
});
const problem = z.object({ detail: z.string() });

interface Asked {
  readonly status: number;
  readonly body: unknown;
}

async function ask(url: string, signal: AbortSignal): Promise<Asked> {
  const answer = await fetch(url, { signal: within(signal) });
  return { status: answer.status, body: await answer.json() };
}

const within = (signal: AbortSignal) => AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]);

/** How the service is that answers at a URL. @param signal ends the questions, by throwing its reason */
export async function checkService(
  url: string,
  isHere: boolean,
  signal: AbortSignal,
): Promise<{ readonly answers: boolean; readonly findings: Finding[] }> {
  const what = 'service';
  const started = isHere ? 'cc-docker start' : `Start it where it runs, or log in to another: cc-docker login URL`;
  let healthy: Asked;
  let ready: Asked;
  try {
    [healthy, ready] = await Promise.all([ask(`${url}/health`, signal), ask(`${url}/ready`, signal)]);
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    return { answers: false, findings: [bad(what, `${url} does not answer (${why})`, started)] };
  }
  const read = health.safeParse(healthy.body);
  if (!read.success)
    return { answers: false, findings: [bad(what, `what answers at ${url} is not CC-Docker`, started)] };
  const { version, time, parts } = read.data;
  const findings = [
    ready.status === 200
      ? ok(what, `${url}, version ${version}`)
      : bad(
          what,
          problem.safeParse(ready.body).data?.detail ?? `${url} is not ready`,
          'See its logs: .cc-docker/edge.log and .cc-docker/runner.log, or docker compose logs',
        ),
    ...parts.pool.runners.map(({ name, backend, ok: works, detail, running, capacity }) =>
      works
        ? ok(`runner ${name}`, `${backend}, ${running} of ${capacity} places taken`)
        : bad(`runner ${name}`, detail, 'See its log: .cc-docker/runner.log, or docker compose logs runner'),
    ),
    ...(parts.pool.runners.length === 0
      ? [
          bad(
            'runner',
            'none is connected: sessions wait for one',
            'See its log: .cc-docker/runner.log, or docker compose logs runner',
          ),
        ]
      : []),
    ...clockOf(time, Date.now()),
  ];
  return { answers: true, findings };
}

/** @param time by the service's clock; undefined: it is of a version that does not say @param now by this machine's */
export function clockOf(time: string | undefined, now: number): Finding[] {
  if (time === undefined) return [];
  const off = Math.abs(now - Date.parse(time));
  if (off <= LEEWAY_MS) return [ok('clock', 'agrees with the service’s')];
  const detail = `differs from the service’s by ${duration(off)}: it would refuse tokens`;
  return [bad('clock', detail, 'sudo timedatectl set-ntp true, here or there')];
}

/** Whether the service takes the token. */
export async function checkToken(
  { url, token }: Connection,
  expiresAt: string | undefined,
  signal: AbortSignal,
): Promise<Finding> {
  const what = 'token';
  const login = `cc-docker login ${url}`;
  try {
    const cc = new CcDocker({ url, token, retries: 0, signal: within(signal) });
    for await (const _ of cc.sessions.list({ limit: 1 })) break;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CcDockerError)
      return bad(what, error.code === 'token_expired' ? 'it has expired' : error.detail, login);
    throw error;
  }
  if (expiresAt === undefined) return ok(what, 'good');
  const left = Date.parse(expiresAt) - Date.now();
  return left < SOON_MS
    ? note(what, `good for ${duration(left)} more`, login)
    : ok(what, `good for ${duration(left)} more`);
}
