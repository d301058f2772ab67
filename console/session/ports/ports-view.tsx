import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { EmptyState, Loading } from '../../ui/empty-state.tsx';
import { doing } from '../load/doing.ts';
import { Failed } from '../load/failed.tsx';
import { useEvents } from '../load/use-events.ts';
import { useLoad } from '../load/use-load.ts';
import { copy } from '../save/copy.ts';
import type { ViewProps } from '../view-props.ts';
import { PortCard } from './port-card.tsx';
import { PortFrame } from './port-frame.tsx';
import { portRows } from './rows.ts';
import { ShareForm } from './share-form.tsx';
import './ports.css';

/** Ports of the session's container: what listens, what is shared, and one of them in a frame (`?port=`). */
export function PortsView({ session, store }: ViewProps) {
  const location = useLocation();
  const opened = Number(location.query['port'] ?? Number.NaN);
  const { data, error, reload } = useLoad((signal) => session.ports({ signal }));
  useEvents(store, HEARD, reload);
  /** The port that something is done with. */
  const [busy, setBusy] = useState<number | null>(null);
  const status = store.status.value;
  const isParked = status === 'stopped' || status === 'failed';
  const home = `/sessions/${session.id}/ports`;
  const act = async (port: number, what: () => Promise<unknown>) => {
    setBusy(port);
    const isDone = await doing(what);
    setBusy(null);
    reload();
    return isDone;
  };
  const share = (port: number, label?: string) =>
    act(port, () => session.sharePort({ port, ...(label !== undefined && label !== '' && { label }) }));
  if (data === null)
    return error === null ? (
      <Loading what="the ports" />
    ) : (
      <Failed title="The ports could not be loaded" error={error} again={reload} />
    );
  const rows = portRows(data);
  const frame = rows.find(({ port, share }) => port === opened && share !== null);
  if (frame?.share)
    return <PortFrame key={frame.share.url} row={frame} share={frame.share} isParked={isParked} back={home} />;
  return (
    <section class="ports" aria-label="Ports">
      {rows.length === 0 && (
        <EmptyState icon="globe" title="Nothing listens">
          <p>
            {isParked
              ? 'The session is parked, and has no processes. A message wakes it.'
              : 'When the agent starts a server, its port is here, and you can open it.'}
          </p>
        </EmptyState>
      )}
      <ul class="ports-list">
        {rows.map((row) => (
          <PortCard
            key={row.port}
            row={row}
            isParked={isParked}
            isBusy={busy === row.port}
            href={`${home}?port=${row.port}`}
            share={() => void share(row.port)}
            unshare={() => void act(row.port, () => session.unsharePort(row.port))}
            copy={(url) => void copy(url, 'Copied. Whoever has this link sees what is there.')}
          />
        ))}
      </ul>
      <ShareForm share={share} />
    </section>
  );
}

const HEARD = ['session.port', 'session.port_shared', 'session.port_unshared', 'session.status'] as const;
