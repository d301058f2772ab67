import { useEffect, useMemo, useRef } from 'preact/hooks';
import { EmptyState, Loading } from '../../ui/empty-state.tsx';
import type { SessionStore } from '../session-store.ts';
import { Announcer } from './announcer.tsx';
import { FindBar } from './find/find-bar.tsx';
import { estimate } from './list/estimate.ts';
import { useVirtualList } from './list/use-virtual-list.ts';
import { LogRow } from './log-row.tsx';
import { LogTools } from './log-tools.tsx';
import { Reader } from './reader.ts';
import { useLogKeys } from './use-log-keys.ts';
import './log.css';

/** The session's log: what was said and done, live. Only what is in sight is in the page. */
export function Log({ store }: { readonly store: SessionStore }) {
  const scroll = useRef<HTMLDivElement>(null);
  const reader = useMemo(() => new Reader(store), [store]);
  const { log } = store;
  const items = log.items.value;
  const list = useVirtualList({
    count: items.length,
    getScrollElement: () => scroll.current,
    estimateSize: (index) => estimate(items[index]),
    getItemKey: (index) => items[index]?.key ?? index,
    overscan: 8,
    paddingStart: 8,
    paddingEnd: 16,
    anchorTo: 'end',
    followOnAppend: reader.follows,
    scrollEndThreshold: 60,
    onScroll: reader.scrolls,
  });
  reader.list = list;
  reader.scroll = scroll;
  useEffect(() => reader.begin(), [reader]);
  const shown = list.getVirtualItems();
  useEffect(() => reader.drawn(shown, items.length));
  useLogKeys(reader);
  const place = reader.place.value;
  const { current } = reader;
  return (
    <section class="log" aria-label="What was said and done">
      {reader.isFinding.value && (
        <FindBar
          finder={reader.finder}
          at={reader.foundAt()}
          onStep={(by) => void reader.step(by)}
          onClose={() => reader.closeFind()}
        />
      )}
      {/* Who listens hears what ends a turn and what is asked: all of it, as it streams, would be a flood. */}
      <div
        ref={scroll}
        class="log-scroll"
        role="log"
        aria-label="Log"
        aria-live="off"
        aria-busy={!log.loaded.value}
        tabIndex={0}
      >
        {!log.loaded.value && <Loading what="the log" />}
        {log.loaded.value && items.length === 0 && (
          <EmptyState icon="chat" title="Nothing has happened yet">
            Say what it should do.
          </EmptyState>
        )}
        <div class="log-all" style={{ height: `${list.getTotalSize()}px` }}>
          {shown.map(({ index, key, start }) => {
            const item = items[index];
            return item === undefined ? null : (
              <LogRow
                key={key}
                item={item}
                index={index}
                start={start}
                place={place}
                isCurrent={current.value === item.key}
                measure={list.measureElement}
              />
            );
          })}
        </div>
      </div>
      <LogTools reader={reader} />
      <Announcer store={store} />
    </section>
  );
}
