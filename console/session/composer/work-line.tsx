import { useState } from 'preact/hooks';
import { CcDockerError } from '../../../client/main.ts';
import { Button } from '../../ui/button.tsx';
import { Menu, type MenuItem } from '../../ui/menu.tsx';
import { toast } from '../../ui/toast.tsx';
import type { ViewProps } from '../view-props.ts';

type Doing = 'interrupt' | 'background' | 'stop';

/** That the agent works, and how to end that. */
export function WorkLine({ session, store }: ViewProps) {
  const [doing, setDoing] = useState<Doing | null>(null);
  const isBusy = store.isBusy.value;
  const view = store.view.value;
  const background = view?.background_tasks ?? [];
  const isAwake = view !== null && view.status !== 'stopped' && view.status !== 'failed';
  if (!isBusy && background.length === 0) return null;
  const act = async (what: Doing) => {
    setDoing(what);
    try {
      if (what === 'stop') await session.stop();
      else await session.interrupt({ background: what === 'background' });
    } catch (error) {
      if (!(error instanceof CcDockerError)) throw error;
      toast(error.detail, 'bad');
    } finally {
      setDoing(null);
    }
  };
  const items: MenuItem[] = [
    ...(background.length > 0
      ? [{ label: 'Interrupt, also in the background', onSelect: () => void act('background') }]
      : []),
    ...(isAwake ? [{ label: 'Stop: park the session', onSelect: () => void act('stop') }] : []),
  ];
  return (
    <div class="composer-work">
      <p class="composer-working">
        {isBusy && <span class="ui-spinner" aria-hidden="true" />}
        {isBusy ? 'The agent works' : backgroundText(background.length)}
      </p>
      {isBusy && (
        <Button icon="stop" busy={doing !== null} onClick={() => void act('interrupt')}>
          Interrupt
        </Button>
      )}
      {items.length > 0 && <Menu label="More ways to end it" items={items} />}
    </div>
  );
}

const backgroundText = (count: number) =>
  count === 1 ? 'Something runs in the background' : `${count} things run in the background`;
