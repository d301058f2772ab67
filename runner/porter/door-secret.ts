import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { epoch, uuid } from '../../protocol/ids.ts';
import type { PlacementKey } from '../../protocol/link/runner-control.ts';

const SECRET_BYTES = 32;

/** `SESSION.EPOCH.MAC` */
const parts = z.tuple([
  uuid,
  z
    .string()
    .regex(/^[1-9]\d{0,14}$/)
    .transform(Number)
    .pipe(epoch),
  z.string().regex(/^[\w-]{43}$/),
]);

/**
 * Makes and knows the tokens by which porters arrive. A token follows from its session, its epoch and the runner's secret: so the
 * launch of an epoch that is repeated after the runner's restart has the same one, and none need be kept.
 */
export class DoorSecret {
  readonly #secret: Buffer;

  private constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /** Reads the secret of `folder`, or makes it once. @throws when it cannot, or when the file is damaged */
  static open(folder: string): DoorSecret {
    const file = path.join(folder, 'tokens.key');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    try {
      writeFileSync(file, randomBytes(SECRET_BYTES), { flag: 'wx', mode: 0o600, flush: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const secret = readFileSync(file);
    if (secret.length !== SECRET_BYTES) throw new Error(`${file} is damaged: remove it, and a new one is made`);
    return new DoorSecret(secret);
  }

  tokenOf({ session_id, epoch }: PlacementKey): string {
    return `${session_id}.${epoch}.${this.#mac({ session_id, epoch }).toString('base64url')}`;
  }

  /** Whose token this is; undefined: it is none of this runner's. */
  keyOf(token: string): PlacementKey | undefined {
    const parsed = parts.safeParse(token.split('.'));
    if (!parsed.success) return undefined;
    const [session_id, epoch, mac] = parsed.data;
    const key = { session_id, epoch };
    return timingSafeEqual(Buffer.from(mac, 'base64url'), this.#mac(key)) ? key : undefined;
  }

  #mac({ session_id, epoch }: PlacementKey): Buffer {
    return createHmac('sha256', this.#secret).update(`porter ${session_id} ${epoch}`).digest();
  }
}
