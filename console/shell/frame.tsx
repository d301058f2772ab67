import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { followAnswers } from '../inbox/answer/answering.ts';
import { followService } from '../service/live.ts';
import { UpdateNotice } from '../worker-client/update-notice.tsx';
import { Toasts } from '../ui/toast.tsx';
import { helpIsOpen, KeyboardHelp } from './keyboard-help.tsx';
import { LineStatus } from './line-status.tsx';
import { Nav } from './nav.tsx';
import { keepTitle } from './page-title.ts';
import { listenToKeys, useShortcuts } from './shortcuts.ts';
import './frame.css';

/** What stands around each page: the ways between them, and whether the service is there. */
export function Frame({ children }: { readonly children: ComponentChildren }) {
  useEffect(() => {
    const end = new AbortController();
    void followService(end.signal);
    const endTitle = keepTitle();
    const endKeys = listenToKeys();
    const endAnswers = followAnswers();
    return () => {
      end.abort();
      endTitle();
      endKeys();
      endAnswers();
    };
  }, []);
  const { route } = useLocation();
  useShortcuts('Everywhere', [
    { keys: 'i', what: 'The inbox', run: () => route('/') },
    { keys: 's', what: 'The sessions', run: () => route('/sessions') },
    { keys: 'n', what: 'A new session', run: () => route('/sessions/new') },
    {
      keys: '?',
      what: 'This help',
      run: () => {
        helpIsOpen.value = true;
      },
    },
  ]);
  return (
    <div class="frame">
      <a class="frame-skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Nav />
      <main id="main" class="frame-main" tabIndex={-1}>
        <UpdateNotice />
        <LineStatus />
        {children}
      </main>
      <Toasts />
      <KeyboardHelp />
    </div>
  );
}

/** To the content without a change of the address, whose fragment names an event of a session's log. */
function skip(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
