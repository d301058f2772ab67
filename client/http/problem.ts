import { CcDockerError } from '../error.ts';

/** Whose status says "later", and for which waiting alone does not help. */
const NOT_BY_WAITING: ReadonlySet<string> = new Set([
  'children_limit_reached',
  'discord_not_configured',
  'not_configured',
  'session_limit_reached',
  'spawn_depth_exceeded',
  'tree_limit_reached',
]);
/** For which waiting does, though their status does not say so. */
const BY_WAITING: ReadonlySet<string> = new Set(['file_busy']);
const LATER: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const text = (value: unknown) => (typeof value === 'string' ? value : undefined);

/** The error that a refused call's answer says. @param body what it holds, as text or parsed already */
export function errorFrom(response: Response, body: unknown): CcDockerError {
  const { status, headers, url } = response;
  const problem = isRecord(body) ? body : parse(text(body) ?? '');
  const code = text(problem['code']);
  const later = Number(headers.get('retry-after') ?? Number.NaN);
  return new CcDockerError({
    code: code ?? 'bad_answer',
    detail: (code !== undefined && text(problem['detail'])) || `${url || 'The service'} answered ${status}.`,
    status,
    // CC-Docker always says why: an answer without a word broke on its way.
    retryable:
      code === undefined
        ? LATER.has(status) || !body
        : BY_WAITING.has(code) || (LATER.has(status) && !NOT_BY_WAITING.has(code)),
    retryAfterMs: Number.isFinite(later) ? later * 1000 : undefined,
    requestId: headers.get('x-request-id') ?? undefined,
    errors: Array.isArray(problem['errors']) ? problem['errors'] : undefined,
  });
}

function parse(said: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(said);
    return isRecord(json) ? json : {};
  } catch {
    // Not CC-Docker's; its status says enough.
    return {};
  }
}

/** The network failed, or nothing answers there. */
export function unreachable(url: string, cause: unknown): CcDockerError {
  const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const said = why instanceof Error ? why.message || why.name : String(why);
  const detail = `${url} did not answer: ${said}`;
  return new CcDockerError({ code: 'unreachable', detail, retryable: true, cause });
}

/** It answers, but not with JSON: the answer broke, or it is not CC-Docker. */
export function notJson(url: string, cause: SyntaxError): CcDockerError {
  const detail = `${url} did not answer as CC-Docker does: ${cause.message}`;
  return new CcDockerError({ code: 'bad_answer', detail, retryable: true, cause });
}
