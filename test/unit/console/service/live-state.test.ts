import { expect, test } from 'vitest';
import type { FeedEvent, FeedSession, WaitingInteraction } from '../../../../client/main.ts';
import { LiveState } from '../../../../console/service/live-state.ts';

let cursor = 0;
const changed = (session_id: string, more: Partial<FeedSession> = {}): FeedEvent => ({
  cursor: ++cursor,
  type: 'session.changed',
  data: { session_id, title: null, ...more } as FeedSession,
});
const opened = (interaction_id: string, session_id: string): FeedEvent => ({
  cursor: ++cursor,
  type: 'interaction.opened',
  data: { interaction_id, session_id } as WaitingInteraction,
});
const live = (): FeedEvent => ({ cursor: ++cursor, type: 'feed.live', data: {} });

test('it is whole once all that there is has come, and after a gap again', () => {
  const state = new LiveState();
  state.apply(changed('a'));
  expect(state.isWhole).toBe(false);
  state.apply(live());
  expect(state.isWhole).toBe(true);
  state.apply({ cursor: 0, type: 'feed.gap', data: {} });
  expect(state.isWhole).toBe(false);
  state.apply(changed('b'));
  state.apply(live());
  expect([...(state.take().sessions?.keys() ?? [])]).toEqual(['b']);
});

test('only what has changed is copied', () => {
  const state = new LiveState();
  state.apply(changed('a'));
  state.apply(live());
  const first = state.take();
  expect(first.sessions?.size).toBe(1);
  expect(first.waiting?.size).toBe(0);
  expect(state.take()).toEqual({ sessions: undefined, waiting: undefined });
  state.apply(opened('i', 'a'));
  const second = state.take();
  expect(second.sessions).toBeUndefined();
  expect([...(second.waiting?.keys() ?? [])]).toEqual(['i']);
  // What was shown before stays as it was.
  expect(first.waiting?.size).toBe(0);
});

test('what waits in a session that is removed waits no more', () => {
  const state = new LiveState();
  for (const event of [changed('a'), changed('b'), opened('i', 'a'), opened('j', 'b'), live()]) state.apply(event);
  state.take();
  state.apply({ cursor: ++cursor, type: 'session.removed', data: { session_id: 'a' } });
  const { sessions, waiting } = state.take();
  expect([...(sessions?.keys() ?? [])]).toEqual(['b']);
  expect([...(waiting?.keys() ?? [])]).toEqual(['j']);
});

test('what closes is given as it was', () => {
  const state = new LiveState();
  state.apply(opened('i', 'a'));
  const closed: FeedEvent = {
    cursor: ++cursor,
    type: 'interaction.closed',
    data: { session_id: 'a', interaction_id: 'i' },
  };
  expect(state.apply(closed)).toMatchObject({ interaction_id: 'i', session_id: 'a' });
  expect(state.apply(closed)).toBeUndefined();
});
