import type { PushKind } from '../../client/main.ts';
import { unwrap } from '../../client/main.ts';
import { cc } from '../service/service.ts';
import { Button } from '../ui/button.tsx';
import { toast } from '../ui/toast.tsx';
import { deviceId, type DeviceState } from './device.ts';
import { Install } from './install.tsx';
import { reasonOf } from './reason.ts';

interface Props {
  readonly state: DeviceState;
  /** Of what it hears; null: it is not known, or of nothing. */
  readonly what: readonly PushKind[] | null;
  readonly busy: string | null;
  readonly onSwitch: (isOn: boolean) => void;
  readonly onChoose: (what: PushKind[]) => void;
}

const KINDS: readonly (readonly [kind: PushKind, label: string, hint: string])[] = [
  ['questions', 'Questions and permissions', 'What waits for your answer. It goes once somebody has answered.'],
  ['ended', 'Finished work', 'A message has its result.'],
  ['failed', 'Failures', 'A message or a session failed, or a budget is spent.'],
  ['notifications', 'What agents say', 'An agent sends you a note.'],
];

const WHY_NOT: Readonly<Partial<Record<DeviceState, string>>> = {
  'not secure':
    'Browsers notify only over https, or on the machine that the service runs on. Open the console at an https:// address.',
  'not installed':
    'On an iPhone or iPad, only an app on the Home Screen is notified: press Share, then Add to Home Screen, and open the console from there (iOS 16.4 or newer).',
  'no push': 'This browser has no notifications. Firefox, Chrome, Edge and Safari have.',
  denied:
    'You have blocked notifications of this page. Allow them in the browser’s settings for this site, and load the page anew.',
};

/** The switch of this device, and what it hears. */
export function ThisDevice({ state, what, busy, onSwitch, onChoose }: Props) {
  const why = WHY_NOT[state];
  const isOn = state === 'on';
  return (
    <section class="notifications-section" aria-labelledby="notifications-this">
      <h2 id="notifications-this">This device</h2>
      {why !== undefined && <p>{why}</p>}
      {why === undefined && (
        <p>
          {isOn
            ? 'It is notified, also while the console is closed. What is sent is encrypted for this browser.'
            : 'It is not notified while the console is closed.'}
        </p>
      )}
      {(state === 'on' || state === 'off') && (
        <div class="notifications-row">
          <Button
            kind={isOn ? 'plain' : 'primary'}
            icon="bell"
            busy={busy === 'switch'}
            onClick={() => onSwitch(!isOn)}
          >
            {isOn ? 'Turn off' : 'Turn on'}
          </Button>
          {isOn && <Button onClick={() => void test()}>Send a test message</Button>}
        </div>
      )}
      {isOn && what !== null && (
        <fieldset class="notifications-kinds" disabled={busy !== null}>
          <legend>Of what</legend>
          {KINDS.map(([kind, label, hint]) => (
            <label key={kind} class="notifications-kind">
              <input
                type="checkbox"
                checked={what.includes(kind)}
                // One at least: to hear nothing, turn it off.
                disabled={what.length === 1 && what.includes(kind)}
                onChange={(event) => onChoose(changed(what, kind, event.currentTarget.checked))}
              />
              <span>
                {label}
                <small>{hint}</small>
              </span>
            </label>
          ))}
        </fieldset>
      )}
      <Install />
    </section>
  );
}

const changed = (what: readonly PushKind[], kind: PushKind, isOn: boolean) =>
  isOn ? [...what, kind] : what.filter((one) => one !== kind);

async function test(): Promise<void> {
  const id = deviceId();
  if (id === null) return;
  try {
    const params = { path: { id } };
    const { delivered, detail } = await unwrap(cc.api.POST('/api/v1/push/subscriptions/{id}/test', { params }));
    if (delivered) toast('Sent. It comes within seconds.', 'good');
    else toast(detail ?? 'It could not be sent.', 'bad');
  } catch (error) {
    toast(reasonOf(error), 'bad');
  }
}
