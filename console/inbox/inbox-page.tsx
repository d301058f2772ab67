import { useComputed } from '@preact/signals';
import { inbox, line } from '../service/live.ts';
import { PageHeading } from '../shell/page-heading.tsx';
import { Button } from '../ui/button.tsx';
import { EmptyState, Loading } from '../ui/empty-state.tsx';
import { inPlace } from './answer/answered.ts';
import { AnsweredList } from './answered-list.tsx';
import { AskCard } from './ask-card.tsx';
import { useInboxKeys } from './use-inbox-keys.ts';
import { useIsMoving } from './use-still.ts';
import './inbox.css';

/** What waits for a person, over all sessions, the one that ends first first; and what was answered lately. */
export function InboxPage() {
  const list = useComputed(() => {
    const over = inPlace.value;
    const ids = new Set(over.map(({ interaction_id }) => interaction_id));
    const open = inbox.value.filter(({ interaction_id }) => !ids.has(interaction_id));
    return [...open, ...over].sort((a, b) => Date.parse(a.deadline) - Date.parse(b.deadline));
  });
  const current = useInboxKeys(list.value);
  // A card that is over is lower: what is below it moves as well.
  const isMoving = useIsMoving([...list.value, ...inPlace.value].map(({ interaction_id }) => interaction_id).join(' '));
  return (
    <div class="page inbox">
      <header class="page-header">
        <PageHeading text="Inbox" />
      </header>
      {list.value.length === 0 ? (
        <Nothing />
      ) : (
        <div class={isMoving ? 'inbox-list inbox-list-moving' : 'inbox-list'}>
          {list.value.map((asked) => (
            <AskCard key={asked.interaction_id} asked={asked} isCurrent={current.value === asked.interaction_id} />
          ))}
        </div>
      )}
      <AnsweredList />
    </div>
  );
}

function Nothing() {
  if (line.value === 'live')
    return (
      <EmptyState icon="inbox" title="Nothing waits for you">
        <p>Questions, permissions and plans of all sessions come here.</p>
        <Button href="/sessions/new" icon="plus">
          New session
        </Button>
      </EmptyState>
    );
  if (line.value === 'loading') return <Loading what="what waits" />;
  return (
    <EmptyState icon="alert" title="The service cannot be reached">
      <p>It is tried again and again. What waits then comes by itself.</p>
    </EmptyState>
  );
}
