import { SafeText } from '../../safe/safe-text.tsx';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Menu } from '../../ui/menu.tsx';
import { Countdown } from '../../ui/time.tsx';
import type { PortRow } from './rows.ts';

interface Props {
  readonly row: PortRow;
  readonly isParked: boolean;
  readonly isBusy: boolean;
  /** Of the frame with it. */
  readonly href: string;
  readonly share: () => void;
  readonly unshare: () => void;
  readonly copy: (url: string) => void;
}

/** A port, and what can be done with it. */
export function PortCard({ row, isParked, isBusy, href, share: begin, unshare, copy }: Props) {
  const { port, share, isListening, process } = row;
  const label = share?.label ?? null;
  return (
    <li class="ports-card">
      <div class="ports-what">
        <h2>
          {port}
          {label !== null && (
            <>
              {' '}
              <SafeText text={label} line max={64} />
            </>
          )}
        </h2>
        <p class="ports-quiet">
          {isListening ? (
            <Badge tone="good">listens</Badge>
          ) : (
            <Badge>{isParked ? 'parked: opening it wakes the session' : 'nothing listens yet'}</Badge>
          )}
          {process !== null && <SafeText text={process} line max={60} />}
          {share !== null && (
            <span>
              shared, <Countdown at={share.expires_at} />
            </span>
          )}
        </p>
      </div>
      {share === null ? (
        <Button kind="primary" busy={isBusy} onClick={begin}>
          Share port {port}
        </Button>
      ) : (
        <div class="ports-actions">
          <Button kind="primary" href={href}>
            Open port {port}
          </Button>
          <Menu
            label={`More for port ${port}`}
            items={[
              { label: 'Copy link', icon: 'copy', onSelect: () => copy(share.url) },
              { label: 'Share for another day', icon: 'clock', onSelect: begin },
              null,
              { label: `Stop sharing port ${port}`, icon: 'close', danger: true, onSelect: unshare },
            ]}
          />
        </div>
      )}
    </li>
  );
}
