import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { followService, inbox } from '../service/live.ts';
import './frame.css';

/** What stands around each page: the ways between them, and whether the service is there. */
export function Frame({ children }: { readonly children: ComponentChildren }) {
  useEffect(() => {
    const end = new AbortController();
    void followService(end.signal);
    return () => end.abort();
  }, []);
  return (
    <div class="frame">
      <nav class="frame-nav" aria-label="Console">
        <a href="/">Inbox{inbox.value.length > 0 && <span class="count">{inbox.value.length}</span>}</a>
        <a href="/sessions">Sessions</a>
        <a href="/sessions/new">New</a>
      </nav>
      <main class="frame-main">{children}</main>
    </div>
  );
}
