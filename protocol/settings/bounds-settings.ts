import * as z from 'zod';

const whole = (fallback: number, min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error }).default(fallback);
};

/** A bound that 0 lifts. */
const bound = (fallback: number, max: number) => whole(fallback, 0, max);

/**
 * How much one owner, one address, one session or its container may cause. 0: without that bound. Each bound has its own
 * refusal, which names the setting, and counts in `GET /metrics`. docs/bounds.md has them all.
 */
export const boundsSettings = z.object({
  /** Requests a minute. A sixth of it may come at once. */
  RATE_LIMIT_PER_OWNER: bound(6000, 10_000_000),
  RATE_LIMIT_PER_ADDRESS: bound(12_000, 10_000_000),
  /** Requests a minute whose token or ticket is refused, of one address. */
  FAILED_TOKENS_PER_ADDRESS: bound(60, 1_000_000),
  /**
   * The header in which a proxy in front of the service names the caller's address, such as `x-forwarded-for`. Empty: the
   * platform's own.
   */
  ADDRESS_HEADER: z
    .string()
    .regex(/^[A-Za-z0-9-]{0,64}$/, 'must be the name of a header, such as x-forwarded-for')
    .transform((name) => name.toLowerCase())
    .default(''),
  /** Longest time in which a request's JSON arrives, and longest pause in a file that is sent, seconds. */
  BODY_TIMEOUT: whole(30, 1, 3600),
  /** How long a call about the files of a session that waits for a place waits with it, seconds; 0: not at all. */
  PLACE_TIMEOUT: bound(30, 600),
  /** Open streams (WebSocket and SSE). */
  MAX_VIEWERS_PER_SESSION: bound(250, 1_000_000),
  MAX_VIEWERS_PER_OWNER: bound(500, 1_000_000),
  /** Frames a second that one viewer may send. Ten seconds' worth may come at once, and a large one counts as several. */
  VIEWER_FRAMES_PER_SECOND: bound(500, 1_000_000),
  /** An owner's sessions, parked ones included; and how many they may create in an hour. */
  MAX_STORED_SESSIONS_PER_USER: bound(10_000, 10_000_000),
  MAX_SESSIONS_PER_HOUR: bound(1000, 1_000_000),
  /** What a container may send: events a second, and KB a second. Ten seconds' worth may come at once. */
  EVENTS_PER_SECOND: bound(1000, 1_000_000),
  EVENT_KB_PER_SECOND: bound(8192, 10_000_000),
  /** Environments of an owner. */
  MAX_ENVIRONMENTS_PER_OWNER: bound(50, 10_000),
  /** Webhooks of an owner. */
  MAX_WEBHOOKS_PER_OWNER: bound(20, 1000),
  /** Devices of an owner that sessions push to. */
  MAX_PUSH_SUBSCRIPTIONS_PER_OWNER: bound(20, 1000),
  /** MB that wait in one session to be posted to one receiver. */
  WEBHOOK_QUEUE_MB: bound(8, 100_000),
  /** Deliveries that a session keeps of those that are done with. The oldest go first. */
  WEBHOOK_DELIVERIES_KEPT: whole(100, 1, 10_000),
  /** MB of messages that wait in one session. */
  MAX_QUEUE_MB: bound(64, 100_000),
  /** Ports that one session may share at once. */
  MAX_PORTS_PER_SESSION: bound(20, 1000),
  /** Requests to the shared ports of one session that may run at once, open WebSockets and event streams included; and WebSockets of one port. */
  MAX_PORT_REQUESTS_PER_SESSION: bound(200, 100_000),
  MAX_SOCKETS_PER_PORT: bound(50, 100_000),
  /** MCP servers of one session. */
  MAX_MCP_SERVERS: bound(20, 1000),
  /** Events of a session that are older, or more than fits, are deleted: days, and MB. */
  EVENT_RETENTION_DAYS: bound(0, 36_500),
  EVENT_LOG_MB: bound(1024, 1_000_000),
  /** Days that an entry of the audit log is kept. */
  AUDIT_RETENTION_DAYS: bound(90, 36_500),
  /** Below this much free space on the disk, MB, no new work is taken. The runner reads it too. */
  DISK_FLOOR_MB: bound(1024, 100_000_000),
});

/** What a request or a frame of a viewer carries for its price. Each further so many bytes cost as much again: to parse and store them takes as long. */
export const PRICED_BYTES = 64 * 1024;

/** How many of a minute's requests may come at once. */
export const burstOf = (perMinute: number): number => Math.max(1, Math.floor(perMinute / 6));
