import type { EdgeSettings } from '../../protocol/settings/edge-settings.ts';

const MB = 1024 * 1024;

/** Bytes that an owner may store in all; null: no quota. */
export function quotaBytes({ STORAGE_QUOTA_MB }: EdgeSettings): number | null {
  return STORAGE_QUOTA_MB === 0 ? null : STORAGE_QUOTA_MB * MB;
}
