import { SafeText } from '../safe/safe-text.tsx';
import { Count, StatusDot } from '../ui/badge.tsx';
import { IconButton } from '../ui/button.tsx';
import { Money } from '../ui/money.tsx';
import { RelativeTime } from '../ui/time.tsx';
import { doingText } from './rows/doing.ts';
import type { SessionRow as Row } from './rows/session-rows.ts';
import { SessionActions, sessionName } from './session-actions.tsx';

/** Deeper than this nothing more is indented: a phone has no room. */
const MAX_INDENT = 6;

interface SessionRowProps {
  readonly row: Row;
  readonly asked: string | undefined;
  readonly isCurrent: boolean;
  /** Its place, from 0, and how many there are: most of them are not in the page. */
  readonly index: number;
  readonly count: number;
  readonly style: { readonly height: string; readonly transform: string };
  readonly onFold: () => void;
}

/** A session in the list: what it is called, what it does, what it has cost. */
export function SessionRow({ row, asked, isCurrent, index, count, style, onFold }: SessionRowProps) {
  const { session, depth, below, isFolded, isContext, waiting } = row;
  const { session_id: id, status, title, total_cost_usd, total_turns, last_activity, environment } = session;
  return (
    <li
      class={`session-row ${isContext ? 'session-row-context' : ''} ${isCurrent ? 'session-row-current' : ''}`}
      style={{ ...style, '--depth': Math.min(depth, MAX_INDENT) }}
      aria-posinset={index + 1}
      aria-setsize={count}
    >
      {below > 0 ? (
        <IconButton
          icon={isFolded ? 'chevron' : 'down'}
          class="session-row-fold"
          label={`${isFolded ? 'Show' : 'Hide'} the ${below} below ${sessionName(session)}`}
          onClick={onFold}
        />
      ) : (
        depth > 0 && <span class="session-row-leaf" aria-hidden="true" />
      )}
      <div class="session-row-text">
        <p class="session-row-title">
          <StatusDot status={status} />
          <a href={`/sessions/${id}`} id={`session-${id}`}>
            {title === null ? sessionName(session) : <SafeText text={title} line />}
          </a>
          <Count of={waiting} />
          {environment !== undefined && environment !== null && (
            <span class="session-row-environment">{environment.name}</span>
          )}
          {isFolded && <span class="session-row-below">+{below}</span>}
        </p>
        <p class="session-row-about">
          <span class="session-row-doing">
            <SafeText text={doingText(session, asked)} line max={200} />
          </span>
          <span class="session-row-number">
            <RelativeTime at={last_activity} />
          </span>
          <span class="session-row-number session-row-turns">
            {total_turns} {total_turns === 1 ? 'turn' : 'turns'}
          </span>
          <span class="session-row-number session-row-cost">
            <Money usd={total_cost_usd} />
          </span>
        </p>
      </div>
      <SessionActions session={session} />
    </li>
  );
}
