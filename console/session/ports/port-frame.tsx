import { useRef, useState } from 'preact/hooks';
import type { SharedPort } from '../../../client/main.ts';
import { SafeText } from '../../safe/safe-text.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import type { PortRow } from './rows.ts';
import { useTypingGuard } from './use-typing-guard.ts';

/** Widths to look at a page in, CSS pixels; null: all that there is. */
const WIDTHS = [
  { width: 390, name: 'Phone' },
  { width: 768, name: 'Tablet' },
  { width: null, name: 'Full' },
] as const;

/**
 * What the page in the frame may do: run, take what is typed, keep things of its own origin, and open tabs, which are held as it is.
 * It cannot lead the console's page elsewhere, open dialogs over it, or save files by itself. `allow` is empty: no camera, no
 * clipboard, no place.
 */
const SANDBOX = 'allow-scripts allow-forms allow-same-origin allow-popups';

interface Props {
  readonly row: PortRow;
  readonly share: SharedPort;
  readonly isParked: boolean;
  /** The address of the list. */
  readonly back: string;
}

/** A shared port in a frame of its own origin. */
export function PortFrame({ row, share, isParked, back }: Props) {
  const [width, setWidth] = useState<number | null>(null);
  /** Counts up: a frame of another origin is loaded again by being made again. */
  const [loads, setLoads] = useState(0);
  /** A frame that opens by an address alone does not wake a session. */
  const [mayWake, setMayWake] = useState(!isParked);
  const frame = useRef<HTMLIFrameElement>(null);
  const { isTyping, hasStolen, use, forgive } = useTypingGuard(frame);
  return (
    <section class="ports-frame" aria-label={`Port ${row.port}`}>
      <header class="ports-bar">
        <Button kind="quiet" icon="back" href={back}>
          Ports
        </Button>
        <h2 class="ports-title">
          {row.port} {share.label !== null && <SafeText text={share.label} line max={64} />}
        </h2>
        <div class="ports-widths" role="group" aria-label="Width">
          {WIDTHS.map((one) => (
            <Button key={one.name} kind="quiet" pressed={one.width === width} onClick={() => setWidth(one.width)}>
              {one.name}
            </Button>
          ))}
        </div>
        <IconButton icon="refresh" label="Load again" onClick={() => setLoads(loads + 1)} />
        <a
          class="ui-button ui-button-quiet"
          href={share.url}
          target="_blank"
          rel="noopener noreferrer"
          title="Opens in a tab of its own, without the frame’s limits"
        >
          New tab
        </a>
      </header>
      {!row.isListening && mayWake && !hasStolen && (
        <p class="ports-quiet" role="status">
          Nothing listens on this port yet. The page loads itself again in the container’s first minutes; later, press
          “Load again”.
        </p>
      )}
      {hasStolen ? (
        <EmptyState icon="shield" title="The page was closed">
          <p>It took the keyboard while you typed elsewhere, so that your keys would have gone to it.</p>
          <Button onClick={forgive}>Open it again</Button>
        </EmptyState>
      ) : mayWake ? (
        <div
          class={isTyping ? 'ports-view ports-held' : 'ports-view'}
          title={isTyping ? 'Press to use the page. While you type elsewhere, it cannot take your keys.' : undefined}
          onPointerDown={use}
        >
          <iframe
            ref={frame}
            key={loads}
            inert={isTyping}
            class="ports-page"
            style={{ width: width === null ? '100%' : `${width}px` }}
            title={`Port ${row.port}`}
            sandbox={SANDBOX}
            allow=""
            referrerpolicy="no-referrer"
            src={share.url}
          />
        </div>
      ) : (
        <EmptyState icon="pause" title="The session is parked">
          <p>Opening the port wakes it. What listened there has ended: the agent has to start it again.</p>
          <Button kind="primary" onClick={() => setMayWake(true)}>
            Wake and open
          </Button>
        </EmptyState>
      )}
    </section>
  );
}
