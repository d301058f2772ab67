import { signal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useMemo, useRef, useState } from 'preact/hooks';
import { askedText } from '../inbox/answer/answered.ts';
import { inbox } from '../service/live.ts';
import { useShortcuts } from '../shell/shortcuts.ts';
import type { SessionRow as Row } from './rows/session-rows.ts';
import { SessionRow } from './session-row.tsx';
import { useRowSize } from './use-row-size.ts';
import { useVirtual } from './use-virtual.ts';

/** Sessions whose children are hidden. A page that is left and come back to finds them so. */
export const folded = signal<ReadonlySet<string>>(new Set());

/** The rows, of which only those that are seen are in the page: thousands scroll as well as ten. */
export function SessionList({ rows }: { readonly rows: readonly Row[] }) {
  const list = useRef<HTMLUListElement>(null);
  const { isWide, height: rowHeight } = useRowSize(() => list.current);
  const { route } = useLocation();
  const [current, setCurrent] = useState<string | null>(null);
  const asked = useMemo(() => new Map(inbox.value.map((one) => [one.session_id, askedText(one)])), [inbox.value]);
  const virtual = useVirtual({
    count: rows.length,
    rowHeight,
    keyOf: (index) => rows[index]?.session.session_id ?? String(index),
    scroller: () => document.getElementById('main'),
    list: () => list.current,
  });
  const at = () => rows.findIndex(({ session }) => session.session_id === current);
  const go = (to: number) => {
    const index = Math.max(0, Math.min(rows.length - 1, to));
    const row = rows[index];
    const main = document.getElementById('main');
    if (row === undefined || main === null || list.current === null) return false;
    setCurrent(row.session.session_id);
    scrollTo(main, list.current.offsetTop + index * rowHeight, rowHeight);
    return true;
  };
  useShortcuts('Sessions', [
    { keys: 'j', what: 'The next one', run: () => go(at() + 1) },
    { keys: 'k', what: 'The one before', run: () => go(at() < 0 ? 0 : at() - 1) },
    { keys: 'Enter', what: 'Open it', run: () => (current === null ? false : route(`/sessions/${current}`)) },
    { keys: '/', what: 'Search', run: search },
  ]);
  return (
    <ul
      ref={list}
      class={isWide ? 'session-list session-list-wide' : 'session-list'}
      style={{ height: `${virtual.height}px` }}
    >
      <li class="session-list-letters" aria-hidden="true" />
      {virtual.rows.map(({ key, index, start }) => {
        const row = rows[index];
        if (row === undefined) return null;
        const { session_id: id } = row.session;
        return (
          <SessionRow
            key={key}
            row={row}
            asked={asked.get(id)}
            index={index}
            count={rows.length}
            isCurrent={id === current}
            style={{ height: `${rowHeight}px`, transform: `translateY(${start}px)` }}
            onFold={() => fold(id)}
          />
        );
      })}
    </ul>
  );
}

function search(): void {
  document.querySelector<HTMLInputElement>('.session-filters input')?.focus();
}

function fold(id: string): void {
  const next = new Set(folded.value);
  if (!next.delete(id)) next.add(id);
  folded.value = next;
}

/** Into the window, if it is not there. */
function scrollTo(scroller: HTMLElement, top: number, height: number): void {
  if (top < scroller.scrollTop) scroller.scrollTop = top - height;
  else if (top + height > scroller.scrollTop + scroller.clientHeight)
    scroller.scrollTop = top + 2 * height - scroller.clientHeight;
}
