import type { SessionStore } from '../session-store.ts';

export function Timeline({ store }: { readonly store: SessionStore }) {
  return <p>{store.view.value?.total_turns} turns</p>;
}
