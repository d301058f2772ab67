import { useEffect, useState } from 'preact/hooks';
import { piecesOf } from './visible.ts';

type Copied = 'not yet' | 'copied' | 'failed';

/** Copies text as it is, hidden characters too, and says how many those are: it may be on its way into a terminal. */
export function CopyButton({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const [copied, setCopied] = useState<Copied>('not yet');
  useEffect(() => {
    if (copied === 'not yet') return undefined;
    const back = setTimeout(() => setCopied('not yet'), 3000);
    return () => clearTimeout(back);
  }, [copied]);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setCopied('copied'),
      // The browser or its user does not allow it, or the page is not from a secure origin.
      () => setCopied('failed'),
    );
  return (
    <button type="button" class="safe-action" aria-live="polite" onClick={() => void copy()}>
      {copied === 'not yet' ? label : copied === 'copied' ? saidOf(text) : 'Your browser does not allow it'}
    </button>
  );
}

function saidOf(text: string): string {
  const hidden = piecesOf(text.slice(0, 100_000)).filter((piece) => typeof piece === 'object');
  const times = hidden.reduce((sum, piece) => sum + piece.times, 0);
  return times === 0 ? 'Copied' : `Copied, with ${times} hidden characters`;
}
