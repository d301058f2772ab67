import { useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { checkDevice } from '../push/device.ts';
import { Button } from '../ui/button.tsx';
import { followWorker, loadNewVersion, newVersion } from './update.ts';
import './update-notice.css';

/** Says that there is a new version of the console. The page in use stays as it is until somebody wants it. */
export function UpdateNotice() {
  const { route } = useLocation();
  useEffect(() => {
    void followWorker(route);
    // Offline, or refused: the page of the notifications says so to whoever looks there.
    checkDevice().catch(() => undefined);
  }, []);
  return (
    <div role="status">
      {newVersion.value !== null && (
        <p class="update-notice">
          <span>A new version is here.</span>
          <Button kind="primary" onClick={loadNewVersion}>
            Reload
          </Button>
        </p>
      )}
    </div>
  );
}
