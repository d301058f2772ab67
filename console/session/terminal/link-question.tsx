import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import type { Shell } from './shell.ts';

/** Whether a link of the output is to be opened: its text may say another address than it leads to. */
export function LinkQuestion({ shell }: { readonly shell: Shell }) {
  const link = shell.link.value;
  // As the browser will open it: another host that looks like a known one shows as it is written (`xn--…`), and so do hidden characters.
  const url = link === null ? null : URL.parse(link);
  const close = () => {
    shell.link.value = null;
    shell.focus();
  };
  const open = () => {
    window.open(url?.href, '_blank', 'noopener,noreferrer');
    close();
  };
  return (
    <Dialog
      title="Open this address?"
      open={url !== null}
      onClose={close}
      actions={
        <>
          <Button onClick={close}>Cancel</Button>
          <Button kind="primary" onClick={open}>
            Open in a new tab
          </Button>
        </>
      }
    >
      <p>The output links to it:</p>
      <p class="terminal-address">{url?.href}</p>
    </Dialog>
  );
}
