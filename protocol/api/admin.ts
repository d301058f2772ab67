import * as z from 'zod';
import { instant, userName, uuid } from '../ids.ts';

/** What the audit log knows of. */
const auditAction = z.enum([
  'token.minted',
  'token.revoked',
  'ticket.minted',
  'browser.signed_in',
  'browser.signed_out',
  'runner.enrolled',
  'runner.cordoned',
  'runner.uncordoned',
  'runner.drained',
  'session.created',
  'session.deleted',
  'file.read',
  'file.written',
  'terminal.opened',
  'interaction.answered',
  'webhook.changed',
  'webhook.deleted',
  'push.changed',
  'push.deleted',
  'environment.changed',
  'environment.deleted',
  'port.shared',
  'port.unshared',
]);
export type AuditAction = z.infer<typeof auditAction>;

export const auditQuery = z.strictObject({
  actor: userName.optional(),
  action: auditAction.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.coerce.number().int().min(1).optional(),
});

/** Who did what, from where; the newest first. */
export const auditList = z.object({
  data: z.array(
    z.object({
      id: z.int(),
      time: instant,
      /** `sub` of the token; of a runner, its name. */
      actor: z.string(),
      action: auditAction,
      /** What it was done to: a session, a runner, an owner, a token. */
      target: z.string(),
      address: z.string().nullable(),
      detail: z.string().nullable(),
    }),
  ),
  next_cursor: z.string().nullable(),
});

/** One token by its `jti`, or all tokens of an owner that were made before a time (default: now). */
export const revokeRequest = z.union([
  z.strictObject({ jti: z.string().min(1).max(256) }),
  z.strictObject({ sub: userName, before: instant.optional() }),
]);

/** What is revoked. */
export const revoked = z.object({ jti: z.string().optional(), sub: z.string().optional(), before: instant.optional() });

export const mintRequest = z.strictObject({
  sub: userName,
  /** Words with spaces between; absent: all that its owner may, but `admin`. */
  scope: z.string().min(1).max(1000).optional(),
  /** The one session that it is for. */
  sid: uuid.optional(),
  ttl_seconds: z
    .int()
    .min(1)
    .max(365 * 86_400)
    .default(43_200),
});

export const mintedToken = z.object({ token: z.string(), jti: z.string(), expires_at: instant });
