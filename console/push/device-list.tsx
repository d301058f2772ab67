import type { PushSubscription } from '../../client/main.ts';
import { visibleText } from '../safe/text/visible.ts';
import { IconButton } from '../ui/button.tsx';
import { RelativeTime } from '../ui/time.tsx';

interface Props {
  readonly devices: readonly PushSubscription[];
  /** Which of them is this one; null: none. */
  readonly own: string | null;
  readonly busy: string | null;
  readonly onRemove: (id: string) => void;
}

/** All devices that are notified. */
export function DeviceList({ devices, own, busy, onRemove }: Props) {
  return (
    <section class="notifications-section" aria-labelledby="notifications-devices">
      <h2 id="notifications-devices">Your devices</h2>
      <ul class="notifications-devices">
        {devices.map(({ id, label, service, updated_at }) => {
          const name = visibleText(label ?? 'A device', 100);
          return (
            <li key={id} class="notifications-device">
              <span class="notifications-device-name">
                {name}
                {id === own && ' (this one)'}
                <small>
                  {service} · seen <RelativeTime at={updated_at} />
                </small>
              </span>
              <IconButton icon="trash" label={`Remove ${name}`} disabled={busy !== null} onClick={() => onRemove(id)} />
            </li>
          );
        })}
      </ul>
    </section>
  );
}
