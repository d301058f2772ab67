import * as z from 'zod';

/** An empty variable counts as not set. */
const unlessEmpty = (value: unknown) => (value === '' ? undefined : value);

const RATIO = 'must be a number from 0 to 1';

/** Where traces go, by OpenTelemetry's own names. The edge and each runner read them. */
export const traceSettings = z.object({
  /** The collector, such as `http://otel:4318`; empty: nothing is traced. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.preprocess(
    unlessEmpty,
    z
      .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL, such as http://127.0.0.1:4318' })
      .transform((url) => url.replace(/\/+$/, ''))
      .optional(),
  ),
  /** Headers for the collector, such as its credential: `name=value`, with commas between, values URL-encoded. */
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .default('')
    .transform((text, context): Readonly<Record<string, string>> => {
      const pairs: [string, string][] = [];
      for (const part of text.split(',').map((one) => one.trim())) {
        if (part === '') continue;
        const [, name, value] = /^([A-Za-z0-9-]+)\s*=\s*([\x21-\x7e]*)$/.exec(part) ?? [];
        const decoded = value === undefined ? null : urlDecoded(value);
        // Not its words: it may be a credential.
        if (name === undefined || decoded === null) context.addIssue('must be name=value pairs with commas between');
        else pairs.push([name, decoded]);
      }
      return Object.fromEntries(pairs);
    }),
  /** Of the traces that begin here, so many are recorded. One that a client begins is recorded if the client says so. */
  OTEL_TRACES_SAMPLER_ARG: z.preprocess(unlessEmpty, z.coerce.number(RATIO).min(0, RATIO).max(1, RATIO).default(1)),
});
export type TraceSettings = z.infer<typeof traceSettings>;

function urlDecoded(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}
