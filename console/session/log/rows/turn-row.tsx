import { SafeText } from '../../../safe/safe-text.tsx';
import type { TurnItem } from '../../../transcript/item.ts';
import { Duration } from '../../../ui/time.tsx';
import { Money } from '../../../ui/money.tsx';
import type { RowProps } from './row-props.ts';
import { When } from './when.tsx';

const WORDS = { completed: 'Done', failed: 'Failed', interrupted: 'Interrupted' } as const;

/** The end of a turn: how, and what it took. */
export function TurnRow({ item }: RowProps<TurnItem>) {
  const { status, figures, error } = item;
  const calls = [...item.tools.values()].reduce((sum, count) => sum + count, 0);
  return (
    <div class={`log-turn log-turn-${status}`}>
      <p>
        <strong>{WORDS[status]}</strong>
        {figures?.ms !== null && figures?.ms !== undefined && (
          <>
            {' in '}
            <Duration ms={figures.ms} />
          </>
        )}
        {figures !== null && (
          <span>
            {' · '}
            <Money usd={figures.costUsd ?? 0} />
          </span>
        )}
        {calls > 0 && <span>{` · ${calls === 1 ? '1 tool' : `${calls} tools`}`}</span>}
        <When time={item.time} seq={item.seq} />
      </p>
      {status === 'failed' && error !== null && (
        <p class="log-turn-error">
          <SafeText text={error} max={1000} />
        </p>
      )}
    </div>
  );
}
