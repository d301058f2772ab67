import { AskCard } from '../../../inbox/ask-card.tsx';
import type { Interaction } from '../../../../client/main.ts';
import { waiting } from '../../../service/live.ts';
import { SafeText } from '../../../safe/safe-text.tsx';
import { visibleText } from '../../../safe/text/visible.ts';
import type { InteractionItem } from '../../../transcript/item.ts';
import { Icon } from '../../../ui/icon.tsx';
import type { RowProps } from './row-props.ts';
import { When } from './when.tsx';

/** A question or a permission: answered where it stands, or what became of it. */
export function InteractionRow({ item, place }: RowProps<InteractionItem>) {
  const { interactionId: id, subject, deadline } = item;
  if (item.state === 'open' && subject !== null && deadline !== null) {
    const listed = waiting.value.get(id);
    const asked = {
      interaction_id: id,
      session_id: place.sessionId,
      state: 'open',
      subject,
      priority: item.priority,
      created_at: item.time,
      deadline,
      answerers: null,
      default: null,
      detached: false,
      resolved_at: null,
      resolved_by: null,
      resolution: null,
      ...(listed !== undefined && { answerers: listed.answerers, default: listed.default, detached: listed.detached }),
    } satisfies Interaction;
    return <AskCard asked={asked} />;
  }
  return (
    <p class="log-notice log-tone-quiet">
      <Icon name="question" />
      <span>
        <SafeText text={whatIsAsked(item)} line max={200} /> <strong>{whatBecame(item)}</strong>{' '}
        <SafeText text={whatIsAnswered(item)} max={400} />
      </span>
      <When time={item.time} seq={item.seq} />
    </p>
  );
}

function whatIsAsked({ subject }: InteractionItem): string {
  if (subject?.kind === 'permission') return `May it use ${subject.tool_name}?`;
  return subject?.questions[0]?.question ?? 'A question';
}

function whatBecame({ state, resolvedBy, resolution }: InteractionItem): string {
  if (state === 'expired') return 'Nobody answered in time.';
  if (state === 'withdrawn') return 'It is no longer asked.';
  const who = resolvedBy === null ? '' : ` by ${visibleText(resolvedBy, 60)}`;
  if (resolution?.kind !== 'decision') return `Answered${who}:`;
  return resolution.decision === 'deny' ? `Denied${who}` : `Allowed${who}`;
}

function whatIsAnswered({ resolution }: InteractionItem): string {
  if (resolution?.kind === 'decision') return resolution.message ?? '';
  const answers = resolution?.answers.map((answer) => (typeof answer === 'string' ? answer : answer.join(', ')));
  return answers?.join('; ') ?? '';
}
