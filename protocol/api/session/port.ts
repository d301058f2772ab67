import * as z from 'zod';
import { instant } from '../../ids.ts';

/** Longest time for which a port is shared, seconds: 30 days. */
const MAX_TTL_SECONDS = 2_592_000;
/** And when the call does not say: a day. */
export const DEFAULT_TTL_SECONDS = 86_400;

export const portNumber = z.int().min(1).max(65_535);

/** A port that an agent's server listens on, and what it is, for people. */
const namedPort = z.strictObject({
  port: portNumber,
  /** What is there, in a few words. */
  label: z.string().trim().min(1).max(64).optional(),
});

/** The same port again is the same share: its label is replaced, if there is one, and its time begins anew. */
export const sharePortRequest = namedPort.extend({
  /** For how long. Absent: 86,400 (a day). */
  ttl_seconds: z.int().min(60).max(MAX_TTL_SECONDS).optional(),
});
export type SharePortRequest = z.infer<typeof sharePortRequest>;

/** A port of the container that is shared. */
export const portView = z.object({
  port: z.int(),
  label: z.string().nullable(),
  /** Opens it in any browser, without a header: whoever has it sees what is there. */
  url: z.string(),
  created_at: instant,
  expires_at: instant,
  /** Something listens there now. */
  listening: z.boolean(),
});
export type PortView = z.infer<typeof portView>;

/** `listening`: what listens in the container now, shared or not. */
export const portList = z.object({
  data: z.array(portView),
  listening: z.array(z.object({ port: z.int(), process: z.string().nullable() })),
});
export type PortList = z.infer<typeof portList>;

/** The input of the agent's tool `share_port`. How long it is shared is for people to change. */
export const sharePortInput = namedPort.extend({});
export type SharePortInput = z.infer<typeof sharePortInput>;
/** Its output. */
export const sharePortOutput = portView.pick({ port: true, url: true, expires_at: true, listening: true });
