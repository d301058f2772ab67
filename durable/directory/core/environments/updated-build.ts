import type { EnvironmentBuild } from '../../../../protocol/api/environment.ts';
import type { BuildUpdate } from '../../../shared/environments/build-update.ts';

const iso = (time: number) => new Date(time).toISOString();

/**
 * A build after one more report of it. Several sessions may wait for one build and report in any order: how it ended is known from
 * whoever saw its end, whatever the others say. Null: nothing is known of it, so nothing is noted.
 *
 * @param sessionId who reports
 */
export function updatedBuild(
  before: EnvironmentBuild | null,
  update: Exclude<BuildUpdate, { is: 'output' }>,
  sessionId: string,
): EnvironmentBuild | null {
  if (update.is === 'started') {
    const { build_id, environment, revision, started, runner } = update;
    if (before !== null) return before;
    return {
      build_id,
      environment,
      revision,
      state: 'building',
      session_id: sessionId,
      runner,
      started_at: iso(started),
      finished_at: null,
      reason: null,
      line: null,
      image_bytes: null,
      output_size: 0,
    };
  }
  if (before === null) return null;
  const finished_at = iso(update.finished);
  if (update.is === 'ready') {
    return { ...before, state: 'ready', finished_at, reason: null, line: null, image_bytes: update.bytes };
  }
  const isKnown = before.state === 'ready' || (update.is === 'left' && before.state === 'failed');
  const line = update.is === 'failed' ? update.line : null;
  return isKnown ? before : { ...before, state: 'failed', finished_at, reason: update.reason, line };
}
