import { checksumOf } from '../text/checksum.ts';

/** A request that is longer is kept as a checksum, UTF-16 units. */
const LONGEST = 1024;

/** What is kept of a request with its idempotency key, to tell another one with the same key from it. */
export function keyBody(asked: string): string {
  return asked.length > LONGEST ? checksumOf(asked) : asked;
}

/** Whether it is the request of which `kept` was kept. Earlier versions kept all of it, whatever its length. */
export function isSameBody(kept: string, asked: string): boolean {
  return kept === keyBody(asked) || kept === asked;
}
