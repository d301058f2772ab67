import type { Prompt } from '../../../protocol/content/blocks.ts';
import { checksumOf } from '../../shared/text/checksum.ts';

/**
 * What tells a prompt from another one that came with the same `Idempotency-Key`. Text stands for itself. Of blocks it is a
 * checksum.
 */
export function fingerprint(prompt: Prompt): string {
  return typeof prompt === 'string' ? prompt : checksumOf(JSON.stringify(prompt));
}
