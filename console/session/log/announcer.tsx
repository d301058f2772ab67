import { useEffect, useState } from 'preact/hooks';
import type { SessionEvent } from '../../../client/main.ts';
import { visibleText } from '../../safe/text/visible.ts';
import type { SessionStore } from '../session-store.ts';

/** Tells screen readers what ends a turn, and what waits for an answer, one thing at a time. */
export function Announcer({ store }: { readonly store: SessionStore }) {
  const [said, say] = useState('');
  useEffect(
    () =>
      store.on((event) => {
        const words = wordsOf(event);
        if (words !== null) say(words);
      }),
    [store],
  );
  return (
    <p class="visually-hidden" role="status">
      {said}
    </p>
  );
}

function wordsOf(event: SessionEvent): string | null {
  switch (event.type) {
    case 'message.completed':
      return 'The agent has finished.';
    case 'message.failed':
      return `It failed: ${visibleText(event.data.error.detail, 200)}`;
    case 'message.interrupted':
      return event.data.error.code === 'withdrawn' ? null : 'The turn was interrupted.';
    case 'turn.ended':
      return 'The agent has finished what it went on with.';
    case 'interaction.opened': {
      const { subject } = event.data;
      if (subject.kind === 'permission') return `The agent asks to use ${visibleText(subject.tool_name, 60)}.`;
      return `The agent asks: ${visibleText(subject.questions[0]?.question ?? '', 200)}`;
    }
    case 'session.status':
      return event.data.status === 'failed' ? 'The session has failed.' : null;
    default:
      return null;
  }
}
