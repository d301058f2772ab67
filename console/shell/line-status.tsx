import { useComputed } from '@preact/signals';
import { line, lineLostAt, lineProblem } from '../service/live.ts';
import { agoText } from '../ui/text/time-text.ts';
import { now } from '../ui/time.tsx';

/** Says when the service cannot be reached, and since when: what is shown may be old. The region is always there, so that it is heard. */
export function LineStatus() {
  const since = useComputed(() => (lineLostAt.value === null ? '' : agoText(lineLostAt.value, now.value)));
  return (
    <div class="frame-line" role="status">
      {lineProblem.value !== null && <p class="frame-line-lost">Not connected: {lineProblem.value}</p>}
      {line.value === 'away' && lineProblem.value === null && (
        <p class="frame-line-lost">
          <span class="ui-spinner" aria-hidden="true" />
          <span>Not connected: trying again. {lineLostAt.value !== null && <>What you see was true {since}.</>}</span>
        </p>
      )}
    </div>
  );
}
