import type { WrapperFrame } from './wrapper-notice.ts';

type PreviewFrame = Extract<WrapperFrame, { kind: 'preview' }>;

/**
 * Whether a frame is a preview with nothing else in it. Most frames are: this spares them the schema, which they fit. Any other goes through
 * that.
 */
export function isPreviewFrame(json: unknown): json is PreviewFrame {
  if (typeof json !== 'object' || json === null || !('kind' in json) || json.kind !== 'preview') return false;
  return 'line' in json && typeof json.line === 'string' && Object.keys(json).length === 2;
}
