import { useEffect, useRef, useState } from 'preact/hooks';
import type { Session } from '../../../client/main.ts';
import { KeysRow } from './keys-row.tsx';
import { LinkQuestion } from './link-question.tsx';
import { Shell } from './shell.ts';
import { ShellLine } from './shell-line.tsx';
import '@xterm/xterm/css/xterm.css';

/** For those who hear the screen: xterm then says what comes. It costs time, so it is a choice, which this browser keeps. */
const READ_ALOUD = 'cc-docker.terminal.read-aloud';

/** A terminal that is open, or has been. @param again opens another one in its place */
export function OpenTerminal({ session, again }: { readonly session: Session; readonly again: () => void }) {
  const host = useRef<HTMLDivElement>(null);
  const [shell, setShell] = useState<Shell | null>(null);
  const [readAloud, setReadAloud] = useState(localStorage.getItem(READ_ALOUD) !== null);
  useEffect(() => {
    if (host.current === null) return undefined;
    const opened = new Shell(session, host.current, { readAloud });
    setShell(opened);
    opened.focus();
    return () => opened.leave();
    // Another choice of `readAloud` is told to the shell that is there.
  }, [session]);
  const choose = (chosen: boolean) => {
    if (chosen) localStorage.setItem(READ_ALOUD, 'yes');
    else localStorage.removeItem(READ_ALOUD);
    setReadAloud(chosen);
    shell?.readAloud(chosen);
  };
  return (
    <section class="terminal" aria-label="Terminal">
      <div class="terminal-bar">
        {shell !== null && <ShellLine shell={shell} again={again} />}
        <label class="terminal-choice">
          <input type="checkbox" checked={readAloud} onChange={(event) => choose(event.currentTarget.checked)} />
          Read aloud
        </label>
      </div>
      <div class="terminal-screen">
        <div class="terminal-host" ref={host} />
      </div>
      {shell !== null && <KeysRow shell={shell} />}
      {shell !== null && <LinkQuestion shell={shell} />}
    </section>
  );
}
