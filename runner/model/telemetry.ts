import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import type { TraceSettings } from '../../protocol/settings/trace-settings.ts';
import { messageOf, type Log } from '../lib/log.ts';
import { BodyTooLarge, limitedBody } from './request-body.ts';

/** What a container may send: so many posts a minute, each of so many bytes, and so many at once. */
const MOST_A_MINUTE = 120;
const MOST_BYTES = 1024 * 1024;
const MOST_AT_ONCE = 4;
/** Longest time that the collector may take, milliseconds. */
const TIMEOUT_MS = 5000;

const attribute = z.looseObject({ key: z.string() });
const entry = z.looseObject({
  resource: z.looseObject({ attributes: z.array(attribute).optional() }).optional(),
});
/** The kinds of telemetry, by their paths, and the list that each of their posts is. */
const LISTS = { '/v1/metrics': 'resourceMetrics', '/v1/logs': 'resourceLogs', '/v1/traces': 'resourceSpans' } as const;
type Kind = keyof typeof LISTS;

const isKind = (path: string | undefined): path is Kind => path !== undefined && Object.hasOwn(LISTS, path);

/**
 * Takes the telemetry of one session's container (OTLP over HTTP, in JSON) to the operator's collector. The container is not
 * trusted: whatever it says, each post is bounded, has the form of its kind, and names the session that it is of.
 */
export class ContainerTelemetry {
  readonly #settings: TraceSettings;
  readonly #sessionId: string;
  readonly #log: Log;
  #open = 0;
  #minute = 0;
  #posts = 0;

  constructor(settings: TraceSettings, sessionId: string, log: Log) {
    this.#settings = settings;
    this.#sessionId = sessionId;
    this.#log = log;
  }

  /** Answers a request for it. False: it is another request. */
  serve(request: IncomingMessage, response: ServerResponse): boolean {
    const { url } = request;
    if (request.method !== 'POST' || !isKind(url)) return false;
    void this.#answer(url, request).then((status) => {
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end('{}');
    });
    return true;
  }

  async #answer(kind: Kind, request: IncomingMessage): Promise<number> {
    if (!this.#admits()) return 429;
    this.#open += 1;
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of limitedBody(request, MOST_BYTES)) chunks.push(chunk);
      const body = this.#named(kind, Buffer.concat(chunks).toString());
      return body === null ? 400 : await this.#forward(kind, body);
    } catch (error) {
      if (error instanceof BodyTooLarge) return 413;
      this.#log.debug('telemetry of a container', { error: messageOf(error) });
      return 503;
    } finally {
      this.#open -= 1;
    }
  }

  #admits(): boolean {
    const minute = Math.floor(performance.now() / 60_000);
    if (minute !== this.#minute) this.#posts = 0;
    this.#minute = minute;
    this.#posts += 1;
    return this.#posts <= MOST_A_MINUTE && this.#open < MOST_AT_ONCE;
  }

  /** The post, with the session's name on all of it; null: it is none of its kind. */
  #named(kind: Kind, text: string): string | null {
    const list = LISTS[kind];
    const parsed = z.strictObject({ [list]: z.array(entry) }).safeParse(jsonOf(text));
    if (!parsed.success) return null;
    const own = [
      { key: 'service.name', value: { stringValue: 'cc-docker-container' } },
      { key: 'cc_docker.session', value: { stringValue: this.#sessionId } },
    ];
    const named = (parsed.data[list] ?? []).map((one) => {
      const others = (one.resource?.attributes ?? []).filter(({ key }) => !own.some((mine) => mine.key === key));
      return { ...one, resource: { ...one.resource, attributes: [...others, ...own] } };
    });
    return JSON.stringify({ [list]: named });
  }

  async #forward(kind: Kind, body: string): Promise<number> {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: headers } = this.#settings;
    if (endpoint === undefined) return 404;
    const answer = await fetch(`${endpoint}${kind}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'manual',
    });
    await answer.body?.cancel();
    return answer.ok ? 200 : 503;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
