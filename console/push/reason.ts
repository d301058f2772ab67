import { CcDockerError } from '../../client/main.ts';

/** Why this device could not be set up, and what to do, in words for people. @throws what is a bug */
export function reasonOf(error: unknown): string {
  if (error instanceof CcDockerError) return error.detail;
  if (!(error instanceof DOMException)) throw error;
  if (error.name === 'AbortError')
    return 'The push service of this browser does not answer. Is the device online? Some browsers have theirs switched off in the settings.';
  if (error.name === 'NotAllowedError') return 'The browser does not allow notifications for this page.';
  return `The browser refused: ${error.message}`;
}
