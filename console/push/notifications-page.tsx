import { useEffect, useState } from 'preact/hooks';
import { unwrap, type PushKind, type PushSubscription } from '../../client/main.ts';
import { cc } from '../service/service.ts';
import { who } from '../service/sign-in.ts';
import { PageHeading } from '../shell/page-heading.tsx';
import { Loading } from '../ui/empty-state.tsx';
import { checkDevice, choose, deviceId, deviceState, turnOff, turnOn } from './device.ts';
import { DeviceList } from './device-list.tsx';
import { ThisDevice } from './this-device.tsx';
import { reasonOf } from './reason.ts';
import './notifications.css';

/** Whether this device is notified, of what, and which others are. */
export function NotificationsPage() {
  const [devices, setDevices] = useState<readonly PushSubscription[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState<string | null>(null);

  const act = async (what: string, run: () => Promise<unknown>) => {
    setBusy(what);
    setProblem(null);
    try {
      await run();
      setDevices((await unwrap(cc.api.GET('/api/v1/push/subscriptions'))).data);
    } catch (error) {
      setProblem(reasonOf(error));
    }
    setBusy(null);
  };
  const isBound = who.value !== null && who.value.sid !== null;
  useEffect(() => {
    if (!isBound) void act('look', checkDevice);
  }, [isBound]);

  const own = devices?.find(({ id }) => id === deviceId());
  const remove = (id: string) =>
    act(id, async () => {
      if (id === deviceId()) return await turnOff();
      await unwrap(cc.api.DELETE('/api/v1/push/subscriptions/{id}', { params: { path: { id } } }));
    });
  return (
    <div class="page">
      <PageHeading text="Notifications" />
      {isBound ? (
        <p>This sign-in is for one session alone, and gets no notifications. Sign in with a token of your own.</p>
      ) : (
        <>
          {problem !== null && (
            <p class="notifications-problem" role="alert">
              {problem}
            </p>
          )}
          <ThisDevice
            state={deviceState.value}
            what={own?.what ?? null}
            busy={busy}
            onSwitch={(isOn) => void act('switch', isOn ? turnOn : turnOff)}
            onChoose={(what: PushKind[]) => void act('what', () => choose(what))}
          />
          {devices === null && problem === null && <Loading what="your devices" />}
          {devices !== null && devices.length > 0 && (
            <DeviceList devices={devices} own={deviceId()} busy={busy} onRemove={(id) => void remove(id)} />
          )}
        </>
      )}
    </div>
  );
}
