import { useComputed } from '@preact/signals';
import { SafeText } from '../safe/safe-text.tsx';
import { Icon } from '../ui/icon.tsx';
import { RelativeTime } from '../ui/time.tsx';
import { answered, inPlace, type Answered } from './answer/answered.ts';
import { SessionLink } from './who-asks.tsx';

/** What was answered lately, here or elsewhere. */
export function AnsweredList() {
  const list = useComputed(() => {
    const held = new Set(inPlace.value.map(({ interaction_id }) => interaction_id));
    return answered.value.filter(({ interaction_id }) => !held.has(interaction_id));
  });
  if (list.value.length === 0) return null;
  return (
    <section class="answered" aria-labelledby="answered-title">
      <h2 id="answered-title">Recently answered</h2>
      <ul>
        {list.value.map((entry) => (
          <Row key={entry.interaction_id} entry={entry} />
        ))}
      </ul>
    </section>
  );
}

function Row({ entry }: { readonly entry: Answered }) {
  const { outcome, asked, session_id, title, at } = entry;
  return (
    <li class="answered-row">
      <span class={`answered-mark ask-outcome-${outcome.by}`}>
        <Icon name={outcome.by === 'mine' ? 'check' : outcome.by === 'other' ? 'user' : 'clock'} />
      </span>
      <p class="answered-asked">
        <SafeText text={asked} line max={160} />
      </p>
      <p class="answered-outcome">
        <SafeText text={outcome.text} line max={200} />
      </p>
      <p class="answered-where">
        <SessionLink id={session_id} title={title} />
        <RelativeTime at={new Date(at).toISOString()} />
      </p>
    </li>
  );
}
