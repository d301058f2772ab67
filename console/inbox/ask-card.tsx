import { useComputed } from '@preact/signals';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import type { Interaction, WaitingInteraction } from '../../client/main.ts';
import { SafeText } from '../safe/safe-text.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { Icon, type IconName } from '../ui/icon.tsx';
import { Countdown, now, RelativeTime } from '../ui/time.tsx';
import { dismiss } from './answer/answered.ts';
import { answerState } from './answer/answering.ts';
import { isBegun } from './answer/draft.ts';
import { draftOf } from './answer/drafts.ts';
import { defaultText, type Outcome } from './answer/outcome.ts';
import { toolView } from './asked/tool-view.ts';
import { useWhole } from './asked/use-whole.ts';
import { PermissionForm } from './permission-form.tsx';
import { QuestionForm } from './question-form.tsx';
import { WhoAsks } from './who-asks.tsx';
import './inbox.css';

interface AskCardProps {
  /** What waits. With `session`, the card says who asks; with `shortened`, it fetches the whole. */
  readonly asked: Interaction & Partial<Pick<WaitingInteraction, 'session' | 'shortened'>>;
  /** The keys go to it. */
  readonly isCurrent?: boolean;
}

/** A question, a permission or a plan that waits for a person, with all that is needed to answer it. */
export function AskCard({ asked, isCurrent = false }: AskCardProps) {
  const id = useId();
  const state = answerState(asked.interaction_id).value;
  const { session } = asked;
  const isClosed = state.kind === 'closed';
  const card = useRef<HTMLElement>(null);
  const wasSending = useRef(false);
  // It is lower now, and may have gone out of the window: its end is to be read, and whoever goes by keys goes on from here.
  useEffect(() => {
    if (isClosed && wasSending.current && card.current !== null) {
      if (document.activeElement === document.body) card.current.focus({ preventScroll: true });
      card.current.scrollIntoView({ block: 'nearest' });
    }
    wasSending.current = state.kind === 'sending';
  }, [state]);
  // By a layout effect, which ends while the card is still in the page.
  useLayoutEffect(() => {
    const { current } = card;
    return () => {
      if (current?.contains(document.activeElement) === true) focusBeside(current);
    };
  }, []);
  return (
    <article
      ref={card}
      id={`ask-${asked.interaction_id}`}
      class={`ask-card ${isCurrent ? 'ask-card-current' : ''} ${isClosed ? 'ask-card-closed' : ''}`}
      aria-labelledby={`${id}-asked`}
      tabIndex={-1}
    >
      {session !== undefined && <WhoAsks asked={{ ...asked, session }} />}
      <Heading id={`${id}-asked`} subject={asked.subject} />
      {!isClosed && <When asked={asked} />}
      {!isClosed && <Form asked={asked} />}
      {state.kind === 'failed' && (
        <p class="ask-problem" role="alert">
          {state.reason}
        </p>
      )}
      {/* Always there, so that what comes into it is heard. */}
      <div role="status" class="ask-status">
        {isClosed && <Closed interactionId={asked.interaction_id} outcome={state.outcome} />}
      </div>
    </article>
  );
}

/** The card goes, and the focus with it: it goes on from the next one, or from the page's heading. */
function focusBeside(card: HTMLElement): void {
  const beside = [card.nextElementSibling, card.previousElementSibling, document.querySelector('h1')];
  const next = beside.find((element) => element instanceof HTMLElement && element.matches('article, h1'));
  if (next instanceof HTMLElement) next.focus({ preventScroll: true });
}

function Heading({ id, subject }: { readonly id: string; readonly subject: Interaction['subject'] }) {
  if (subject.kind === 'permission') {
    const { title, isPlan } = toolView(subject.tool_name, subject.input);
    return (
      <h2 class="ask-heading">
        <Kind icon={isPlan ? 'plan' : 'shield'} says={isPlan ? 'Plan' : 'Permission'} />
        <span id={id}>
          <SafeText text={title} line max={160} />
        </span>
      </h2>
    );
  }
  const [first, ...more] = subject.questions;
  return (
    <h2 class="ask-heading">
      <Kind icon="question" says={(more.length === 0 ? first?.header : undefined) ?? 'Question'} />
      <span id={id}>
        {more.length === 0 ? (
          <SafeText text={first?.question ?? ''} max={4000} />
        ) : (
          <>
            {subject.questions.length} questions
            <span class="visually-hidden">
              : <SafeText text={first?.question ?? ''} line max={160} />
            </span>
          </>
        )}
      </span>
    </h2>
  );
}

function Kind({ icon, says }: { readonly icon: IconName; readonly says: string }) {
  return (
    <span class="ask-kind">
      <Icon name={icon} />
      <SafeText text={says} line max={64} />
    </span>
  );
}

/** Until when, and what then. */
function When({ asked }: { readonly asked: Interaction }) {
  const { deadline, priority, detached, answerers } = asked;
  return (
    <p class="ask-when">
      <span>
        <Countdown at={deadline} />, then <SafeText text={defaultText(asked.default)} line max={100} />
      </span>
      <AskedAt at={asked.created_at} />
      {detached && <span>its turn is over: your answer wakes it</span>}
      {answerers !== null && (
        <span>
          asked of <SafeText text={answerers.join(', ')} line max={200} />
        </span>
      )}
      {(priority === 'high' || priority === 'urgent') && <Badge tone="warn">{priority}</Badge>}
    </p>
  );
}

const MINUTE = 60_000;

/** Since when it waits, once that is worth a word. */
function AskedAt({ at }: { readonly at: string }) {
  const isOld = useComputed(() => now.value - Date.parse(at) >= MINUTE);
  return isOld.value ? (
    <span>
      asked <RelativeTime at={at} />
    </span>
  ) : null;
}

function Form({ asked }: { readonly asked: AskCardProps['asked'] }) {
  const whole = useWhole(asked, asked.shortened === true);
  const { subject } = asked;
  if (subject.kind === 'permission') return <PermissionForm asked={asked} permission={subject} whole={whole} />;
  // Questions and labels are never left out, so that they can be answered before the rest has come.
  const questions =
    whole.kind === 'whole' && whole.subject.kind === 'question' ? whole.subject.questions : subject.questions;
  return <QuestionForm asked={asked} questions={questions} />;
}

function Closed({ interactionId, outcome }: { readonly interactionId: string; readonly outcome: Outcome }) {
  const draft = draftOf(interactionId).value;
  const texts = [...draft.texts, draft.reason].filter((text) => text.trim() !== '');
  return (
    <>
      <p class={`ask-outcome ask-outcome-${outcome.by}`}>
        <Icon name={outcome.by === 'mine' ? 'check' : 'alert'} />
        <span>
          <SafeText text={outcome.text} max={400} />
        </span>
      </p>
      {outcome.by !== 'mine' && isBegun(draft) && (
        <div class="ask-kept">
          {texts.length > 0 && <p>What you wrote was not sent:</p>}
          {texts.map((text) => (
            <blockquote key={text}>{text}</blockquote>
          ))}
          <Button onClick={() => dismiss(interactionId)}>Put it away</Button>
        </div>
      )}
    </>
  );
}
