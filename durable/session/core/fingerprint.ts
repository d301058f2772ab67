import type { Prompt } from '../../../protocol/content/blocks.ts';

/**
 * What tells a prompt from another one that came with the same `Idempotency-Key`. Text stands for itself. Of blocks it is a
 * checksum, because they can be larger than a row: 64 bits, which no client can hit by accident. (Workers have no hash
 * function that answers at once.)
 */
export function fingerprint(prompt: Prompt): string {
  if (typeof prompt === 'string') return prompt;
  const json = JSON.stringify(prompt);
  return `${json.length} ${checksum(json, 0x811c9dc5)} ${checksum(json, 0x9e3779b9)}`;
}

/** FNV-1a over UTF-16 units, from a starting value. */
function checksum(text: string, begin: number): number {
  let hash = begin;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
