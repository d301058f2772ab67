import { useLocation } from 'preact-iso';
import { useCallback, useMemo, useState } from 'preact/hooks';
import { all, type SessionEvent, type Turn } from '../../../client/main.ts';
import { SafeText } from '../../safe/safe-text.tsx';
import { firstLine } from '../../transcript/fields.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState, Loading } from '../../ui/empty-state.tsx';
import { Money } from '../../ui/money.tsx';
import { Duration, RelativeTime } from '../../ui/time.tsx';
import { Failed } from '../load/failed.tsx';
import { useEvents } from '../load/use-events.ts';
import { useLoad } from '../load/use-load.ts';
import type { SessionStore } from '../session-store.ts';
import { inputTokens, sumsOf, tokensText } from './sums.ts';
import { toolsOfTurns } from './tools-of-turns.ts';
import './timeline.css';

const ENDS: readonly SessionEvent['type'][] = [
  'message.completed',
  'message.failed',
  'message.interrupted',
  'turn.ended',
];
/** So many are shown at first, and more each time that it is asked for. */
const SHOWN = 100;

/** The turns of the session, the newest first: what each took, and the way to it in the log. */
export function Timeline({ store }: { readonly store: SessionStore }) {
  const { session } = store;
  const { data, error, reload } = useLoad(async (signal) => await all(session.turns({ signal })));
  useEvents(store, ENDS, reload);
  const [shown, setShown] = useState(SHOWN);
  const items = store.log.items.value;
  const tools = useMemo(() => toolsOfTurns(items), [items]);
  const { route } = useLocation();
  const goTo = useCallback(
    async (turn: Turn) => {
      const { events } = await session.page({ since: turn.started_at }, { limit: 1 });
      const hash = `#e${events[0]?.seq ?? 1}`;
      // Beside the log, it is enough to name the event.
      if (document.querySelector('.log') === null) route(`/sessions/${session.id}${hash}`);
      else location.hash = hash;
    },
    [session, route],
  );
  if (data === null)
    return error === null ? (
      <Loading what="the turns" />
    ) : (
      <Failed title="The turns could not be loaded" error={error} again={reload} />
    );
  const newest = data.toReversed().slice(0, shown);
  const most = Math.max(...newest.map(({ total_cost_usd }) => total_cost_usd ?? 0), 0.000001);
  return (
    <section class="timeline" aria-label="Timeline">
      <h2>Timeline</h2>
      {data.length === 0 ? (
        <EmptyState icon="clock" title="No turn has ended yet">
          <p>Each turn is listed here with what it took.</p>
        </EmptyState>
      ) : (
        <Total turns={data} />
      )}
      <ol class="timeline-turns" reversed>
        {newest.map((turn) => (
          <li key={turn.turn_id}>
            <button type="button" class="timeline-turn" onClick={() => void goTo(turn)}>
              <TurnLine turn={turn} tools={tools.get(turn.turn_id) ?? []} share={(turn.total_cost_usd ?? 0) / most} />
            </button>
          </li>
        ))}
      </ol>
      {data.length > shown && <Button onClick={() => setShown(shown + SHOWN)}>Show {SHOWN} more</Button>}
    </section>
  );
}

function Total({ turns }: { readonly turns: readonly Turn[] }) {
  const sums = sumsOf(turns);
  return (
    <dl class="timeline-total">
      <div>
        <dt>Turns</dt>
        <dd>
          {sums.turns}
          {sums.failed > 0 && <small>, {sums.failed} failed</small>}
        </dd>
      </div>
      <div>
        <dt>Cost</dt>
        <dd>
          <Money usd={sums.costUsd} />
        </dd>
      </div>
      <div>
        <dt>Time</dt>
        <dd>
          <Duration ms={sums.ms} />
        </dd>
      </div>
      <div>
        <dt>Tokens</dt>
        <dd>
          {tokensText(sums.inputTokens)} <small>in</small> {tokensText(sums.outputTokens)} <small>out</small>
        </dd>
      </div>
    </dl>
  );
}

interface TurnLineProps {
  readonly turn: Turn;
  /** Names of tools with how often each was called. */
  readonly tools: readonly string[];
  /** Of the cost of the dearest turn, 0 to 1. */
  readonly share: number;
}

function TurnLine({ turn, tools, share }: TurnLineProps) {
  const { status, origin, duration_ms: ms, total_cost_usd: cost, usage, result, error } = turn;
  const said = firstLine(error?.detail ?? result ?? '');
  return (
    <>
      <span class="timeline-said">
        {status !== 'completed' && <Badge tone={status === 'failed' ? 'bad' : 'warn'}>{status}</Badge>}
        {origin === 'agent' && <Badge>by itself</Badge>}
        {said === '' ? <span>No answer</span> : <SafeText text={said} line max={120} />}
      </span>
      <span class="timeline-bar" aria-hidden="true">
        <span style={{ width: `${Math.max(share * 100, 1)}%` }} />
      </span>
      <span class="timeline-figures">
        <RelativeTime at={turn.started_at} />
        {ms !== undefined && <Duration ms={ms} />}
        {cost !== undefined && <Money usd={cost} />}
        {usage !== undefined && (
          <span>
            {tokensText(inputTokens(turn))} in, {tokensText(usage.output_tokens)} out
          </span>
        )}
        {tools.length > 0 && <SafeText text={tools.join(', ')} line max={80} />}
      </span>
    </>
  );
}
