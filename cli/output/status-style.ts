import type { SessionStatus } from '../../client/main.ts';
import type { Terminal } from './terminal.ts';

const STYLES = {
  queued: 'yellow',
  starting: 'yellow',
  idle: 'green',
  running: 'cyan',
  stopped: 'dim',
  failed: 'red',
} as const satisfies Record<SessionStatus, string>;

/** A session's status in its colour. */
export function statusStyle({ style }: Pick<Terminal, 'style'>, status: SessionStatus, text: string = status): string {
  return style(STYLES[status], text);
}
