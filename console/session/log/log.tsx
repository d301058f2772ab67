import type { SessionStore } from '../session-store.ts';

export function Log({ store }: { readonly store: SessionStore }) {
  return <div role="log">{store.line.value}</div>;
}
