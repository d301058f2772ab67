import { toast } from '../../../ui/toast.tsx';

/** Made once: to make one takes longer than to draw a row. */
const SHORT = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** When it was, and a link to it: pressed, it is copied as well. */
export function When({ time, seq }: { readonly time: string; readonly seq: number | null }) {
  const at = new Date(time);
  const short = SHORT.format(at);
  if (seq === null) return <time dateTime={time}>{short}</time>;
  return (
    <a
      class="log-when"
      href={`#e${seq}`}
      title={`${WHOLE.format(at)}. Copies the link to here.`}
      aria-label={`${short}, link to event ${seq}`}
      onClick={(event) => copy(event.currentTarget.href)}
    >
      <time dateTime={time}>{short}</time>
    </a>
  );
}

function copy(link: string): void {
  // Only where the page may: over HTTPS, or on this machine.
  void navigator.clipboard?.writeText(link).then(
    () => toast('The link is copied'),
    () => toast('The link is in the address: the browser did not let it be copied'),
  );
}
