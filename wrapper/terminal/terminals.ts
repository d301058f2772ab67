import { existsSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { terminalFrame } from '../../protocol/api/session/terminal.ts';
import { encodeFrame, encodeText, FrameKind, FrameReader } from '../../protocol/link/terminal/terminal-frames.ts';
import {
  MAX_TERMINALS,
  terminalOpen,
  type TerminalOpen,
  type TerminalRefusal,
} from '../../protocol/link/terminal/terminal.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { startPiped } from './pipe-process.ts';
import { startInTerminal } from './pty-process.ts';
import { Terminal, type TerminalViewer } from './terminal.ts';

/** How long a terminal keeps all output for a viewer that was cut off, and how long its end is kept, milliseconds. */
const PATIENCE = { holdMs: 60_000, keptMs: 120_000 };
/** In the environment of all that runs in a terminal: its id. */
const TERMINAL_MARK = 'CC_DOCKER_TERMINAL';

type Place = Pick<WrapperLaunch, 'cwd' | 'env'>;
/** Either takes the connection of a viewer, or says why there is none. */
export type OpenedTerminal = { readonly accept: (socket: Duplex) => void } | { readonly refused: TerminalRefusal };

/** The terminals of a container. They run beside the agent, as the same user and with the same environment. */
export class Terminals {
  readonly #place: Place;
  readonly #say: (notice: WrapperNotice) => void;
  readonly #patience: typeof PATIENCE;
  readonly #terminals = new Map<string, Terminal>();
  #closed = false;

  /** @param say tells the session */
  constructor(place: Place, say: (notice: WrapperNotice) => void, patience = PATIENCE) {
    this.#place = place;
    this.#patience = patience;
    this.#say = say;
  }

  /** How many run. */
  get running(): number {
    return [...this.#terminals.values()].filter(({ isOver }) => !isOver).length;
  }

  /** Begins a terminal, or finds one that has begun. @param request as the tunnel brings it */
  open(request: unknown): OpenedTerminal {
    const parsed = terminalOpen.safeParse(request);
    if (!parsed.success)
      return refused('terminal_unavailable', 'The container does not understand what is asked of it.');
    const { terminal: id, begin, after, cols, rows } = parsed.data;
    const known = this.#terminals.get(id);
    if (known === undefined && begin === undefined)
      return refused('terminal_not_found', 'There is no such terminal: it has ended, or its container has.');
    const found = known ?? this.#begin(parsed.data);
    if ('refused' in found) return found;
    if (known !== undefined) found.resize(cols, rows);
    return { accept: (socket) => view(found, socket, after) };
  }

  /** Ends all of them, as terminals that are closed do. None begins any more. */
  close(): void {
    this.#closed = true;
    for (const terminal of this.#terminals.values()) terminal.close();
  }

  /** Ends all of them at once. */
  kill(): void {
    for (const terminal of this.#terminals.values()) terminal.kill();
  }

  #begin({ terminal: id, begin, cols, rows }: TerminalOpen): Terminal | { readonly refused: TerminalRefusal } {
    if (this.#closed || begin === undefined) return refused('terminal_unavailable', 'The container is being ended.');
    if (this.running >= MAX_TERMINALS)
      return refused('terminal_limit_reached', `${MAX_TERMINALS} terminals run in this session. End one of them.`);
    const { tty, term } = begin;
    const { cwd } = this.#place;
    const [file, ...args] = begin.command ?? [shellOf(this.#place.env)];
    const env = { ...this.#place.env, ...(tty && { TERM: term }), [TERMINAL_MARK]: id };
    const request = { command: [file ?? '', ...args] as const, cwd, env, mark: `${TERMINAL_MARK}=${id}`, cols, rows };
    try {
      const terminal = new Terminal({
        id,
        tty,
        holdMs: this.#patience.holdMs,
        detachedMs: begin.detached_seconds * 1000,
        start: (listener) => (tty ? startInTerminal(request, listener) : startPiped(request, listener)),
        ended: ({ code, signal }) => {
          this.#say({ notice: 'terminal_ended', terminal: id, code, signal });
          setTimeout(() => this.#terminals.delete(id), this.#patience.keptMs).unref();
        },
      });
      this.#terminals.set(id, terminal);
      return terminal;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return refused(
        'terminal_unavailable',
        `The container has no terminal: ${why.split('\n')[0] ?? ''}`.slice(0, 500),
      );
    }
  }
}

const refused = (code: TerminalRefusal['code'], detail: string) => ({ refused: { code, detail } });

/** The user's shell. */
function shellOf({ SHELL }: Place['env']): string {
  return [SHELL, '/bin/bash'].find((path) => path !== undefined && existsSync(path)) ?? '/bin/sh';
}

/** Lets a viewer have the terminal on this connection. */
function view(terminal: Terminal, socket: Duplex, after: number | undefined): void {
  const frames = new FrameReader();
  const viewer: TerminalViewer = {
    output: (channel, bytes) => void socket.write(encodeFrame(channel, bytes)),
    report: (report) => void socket.write(encodeText(report)),
    close: (why) => {
      if (why === undefined) socket.end();
      else socket.end(encodeText({ type: 'error', ...why }));
    },
  };
  const gone = () => terminal.detach(viewer);
  socket.on('error', gone);
  socket.on('close', gone);
  socket.on('end', gone);
  socket.on('data', (chunk: Buffer) => {
    for (const { kind, bytes } of frames.push(chunk) ?? [{ kind: null, bytes: chunk }]) {
      if (kind === FrameKind.input) {
        if (!terminal.input(viewer, bytes))
          viewer.close({ code: 'too_much_input', detail: 'More input came than the command takes.' });
      } else {
        const frame = kind === FrameKind.text ? terminalFrame.safeParse(parse(bytes)) : undefined;
        // Only the session's own edge sends frames: another version's new ones are passed over.
        if (frame?.success === true) terminal.take(viewer, frame.data);
      }
    }
  });
  terminal.attach(viewer, after);
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // It fits no schema.
    return undefined;
  }
}
