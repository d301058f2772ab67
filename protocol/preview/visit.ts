import * as z from 'zod';

/** What the edge asks a session for somebody who looks at one of its ports: `https://session/preview?visit=…`. */
export const previewVisit = z.object({
  /** Of the preview's host. */
  label: z.string(),
  /** The host as the browser names it, with its port: the server in the container sees this one. */
  host: z.string(),
  /** Path and query as they came, without our key. */
  target: z.string(),
  /** Somebody opens the page, or calls with the whole URL: that wakes a parked session. */
  wakes: z.boolean(),
});
export type PreviewVisit = z.infer<typeof previewVisit>;

/** The header of an answer that is not the port's but ours. What a port sends by this name is taken out. */
export const PAGE_HEADER = 'x-cc-docker-page';

/** Why a port does not answer. */
export const previewPage = z.object({
  page: z.enum(['ended', 'starting', 'parked', 'failed', 'closed', 'busy', 'broken']),
  /** For people with the key. */
  detail: z.string(),
  /** The page may be different in so many seconds; null: not by itself. */
  again_seconds: z.number().nullable(),
  /** Of `closed`: the ports that something listens on. */
  listening: z.array(z.int()),
});
export type PreviewPage = z.infer<typeof previewPage>;
