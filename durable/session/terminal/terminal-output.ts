import { TerminalChannel, terminalReport, type TerminalReport } from '../../../protocol/api/session/terminal.ts';
import { FrameKind, FrameReader } from '../../../protocol/link/terminal/terminal-frames.ts';
import { TERMINAL_WINDOW } from '../../../protocol/link/terminal/terminal.ts';
import { parseJson } from '../../shared/json.ts';

/** What the container has sent. */
export type Arrived =
  | { readonly is: 'output'; readonly channel: TerminalChannel; readonly bytes: Uint8Array }
  | { readonly is: 'report'; readonly report: TerminalReport }
  /** Another viewer has it now, or it is refused, in the container's words. */
  | { readonly is: 'error'; readonly code: string; readonly detail: string };

/** A frame of the wrapper is at most this long: what is sent between two acknowledgements may end within one. */
const SLACK = 64 * 1024;

/**
 * Reads what a container says of a terminal. It is not trusted: what speaks in its wrapper's place can show whatever it likes, but
 * neither send more than a viewer has room for, nor say what is no report.
 */
export class TerminalOutput {
  readonly #frames = new FrameReader();
  /** The position of the next byte of output; null: it has not begun. */
  #at: number | null = null;
  #acknowledged = 0;
  #tty = true;

  /** Whether the output comes from a terminal, and not between pipes. */
  get tty(): boolean {
    return this.#tty;
  }

  /** The position of the next byte. */
  get at(): number {
    return this.#at ?? 0;
  }

  /** The viewer has the output up to a position. */
  acknowledge(at: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, Math.min(at, this.at));
  }

  /** What has arrived; null: the container does not keep to what was agreed. */
  take(bytes: Uint8Array): Arrived[] | null {
    const arrived: Arrived[] = [];
    for (const frame of this.#frames.push(bytes) ?? [null]) {
      const one = frame === null ? null : this.#read(frame.kind, frame.bytes);
      if (one === null) return null;
      arrived.push(one);
    }
    return arrived;
  }

  #read(kind: FrameKind, bytes: Uint8Array): Arrived | null {
    if (kind === FrameKind.output || kind === FrameKind.error) {
      if (this.#at === null || (this.#tty && kind === FrameKind.error)) return null;
      this.#at += bytes.length;
      if (this.#at - this.#acknowledged > TERMINAL_WINDOW + SLACK) return null;
      const channel = kind === FrameKind.output ? TerminalChannel.output : TerminalChannel.error;
      return { is: 'output', channel, bytes };
    }
    if (kind !== FrameKind.text) return null;
    const json = parseJson(new TextDecoder().decode(bytes));
    const report = terminalReport.safeParse(json);
    if (!report.success) return errorOf(json);
    const { data } = report;
    if (data.type === 'ready') {
      if (this.#at !== null) return null;
      this.#at = data.at;
      this.#acknowledged = data.at;
      this.#tty = data.tty;
    }
    return { is: 'report', report: data };
  }
}

function errorOf(json: unknown): Arrived | null {
  if (typeof json !== 'object' || json === null || !('type' in json) || json.type !== 'error') return null;
  const code = 'code' in json && typeof json.code === 'string' ? json.code : '';
  const detail = 'detail' in json && typeof json.detail === 'string' ? json.detail : '';
  return { is: 'error', code: code.slice(0, 64), detail: detail.slice(0, 500) };
}
