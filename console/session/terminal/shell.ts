import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { signal } from '@preact/signals';
import { CcDockerError, type Session, type SessionTerminal, type TerminalExit } from '../../../client/main.ts';
import { answerOnly } from './xterm/answers.ts';
import { BackPressure } from './back-pressure.ts';
import { keyInput, pastable, withControl, type Key } from './keys.ts';
import { forgetTerminal, keepTerminal, keptTerminal } from './terminal-id.ts';
import { onThemeChange, themeOf } from './xterm/theme.ts';

/** How a terminal is. */
export type ShellState =
  | { readonly kind: 'opening'; readonly detail: string }
  | { readonly kind: 'open' }
  | { readonly kind: 'away'; readonly detail: string }
  | { readonly kind: 'ended'; readonly exit: TerminalExit }
  | { readonly kind: 'lost'; readonly error: CcDockerError };

/** A shell in a session's container, shown in the page. */
export class Shell {
  readonly state = signal<ShellState>({ kind: 'opening', detail: 'Opening a terminal …' });
  /** Ctrl is held, for the next character: phones have no such key. */
  readonly control = signal(false);
  /** A link of the output that somebody has chosen: it is opened after a question. */
  readonly link = signal<string | null>(null);
  readonly #session: Session;
  readonly #host: HTMLElement;
  readonly #xterm: Terminal;
  readonly #fit = new FitAddon();
  readonly #end = new AbortController();
  #terminal: SessionTerminal | null = null;
  /** Somebody has typed: what the output asks from now on is not what was asked before this page was here. */
  #hasTyped = false;
  #isNew = true;

  /** Comes back to the terminal that this tab had, or opens one. */
  constructor(session: Session, host: HTMLElement, { readAloud }: { readonly readAloud: boolean }) {
    this.#session = session;
    this.#host = host;
    const style = getComputedStyle(host);
    this.#xterm = new Terminal({
      fontFamily: style.fontFamily,
      fontSize: Number.parseFloat(style.fontSize),
      theme: themeOf(host),
      // Whatever colours a program chooses, its text can be read.
      minimumContrastRatio: 4.5,
      cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      scrollback: 5000,
      screenReaderMode: readAloud,
      // Of what the output says, nothing reaches beyond the terminal: no title, no clipboard, no window. A link is asked about.
      linkHandler: { activate: (_event, url) => (this.link.value = url) },
      windowOptions: {},
      logLevel: 'off',
    });
    this.#xterm.loadAddon(this.#fit);
    answerOnly(this.#xterm, () => this.#isNew || this.#hasTyped);
    this.#xterm.onData((data) => this.#typed(data));
    this.#xterm.onBinary((data) => void this.#terminal?.write(Uint8Array.from(data, (char) => char.charCodeAt(0))));
    this.#xterm.onResize(({ cols, rows }) => this.#terminal?.resize(cols, rows));
    this.#xterm.open(host);
    this.#listen();
    this.#fit.fit();
    void this.#run(keptTerminal(session.id));
  }

  /** A key of the row below. */
  press(key: Key): void {
    this.#hasTyped = true;
    const input = keyInput(key, this.#xterm.modes.applicationCursorKeysMode, this.control.value);
    this.control.value = false;
    void this.#terminal?.write(input);
    this.#xterm.focus();
  }

  paste(text: string): void {
    this.#hasTyped = true;
    this.#xterm.paste(pastable(text));
    this.#xterm.focus();
  }

  /** Whether what comes is said by a screen reader. */
  readAloud(chosen: boolean): void {
    this.#xterm.options.screenReaderMode = chosen;
  }

  focus(): void {
    this.#xterm.focus();
  }

  /** Its command is told that its terminal is gone, and ends. */
  hangUp(): void {
    this.#terminal?.kill('HUP');
  }

  /** Leaves it: it goes on, and this tab comes back to it. */
  leave(): void {
    this.#end.abort();
    this.#terminal?.leave();
    this.#xterm.dispose();
  }

  #listen(): void {
    const { signal } = this.#end;
    const typed = () => (this.#hasTyped = true);
    this.#host.addEventListener('keydown', typed, { capture: true, signal });
    this.#host.addEventListener('beforeinput', typed, { capture: true, signal });
    const paste = (event: ClipboardEvent) => {
      event.preventDefault();
      event.stopPropagation();
      this.paste(event.clipboardData?.getData('text/plain') ?? '');
    };
    // Before xterm: it would take the text as it is.
    this.#host.addEventListener('paste', paste, { capture: true, signal });
    const resized = new ResizeObserver(() => this.#fit.fit());
    resized.observe(this.#host);
    const endTheme = onThemeChange(() => (this.#xterm.options.theme = themeOf(this.#host)));
    signal.addEventListener('abort', () => {
      resized.disconnect();
      endTheme();
    });
  }

  #typed(data: string): void {
    const held = this.control.value;
    this.control.value = false;
    void this.#terminal?.write(held ? withControl(data) : data);
  }

  async #run(kept: string | null): Promise<void> {
    const { cols, rows } = this.#xterm;
    this.#isNew = kept === null;
    const terminal = this.#session.terminal({
      ...(kept !== null && { terminal: kept }),
      cols,
      rows,
      onWaiting: ({ detail }) => this.#say({ kind: 'opening', detail: detail ?? 'The session is waking …' }),
      onReady: () => {
        keepTerminal(this.#session.id, terminal.id);
        this.#say({ kind: 'open' });
        // It may have another size by now.
        terminal.resize(this.#xterm.cols, this.#xterm.rows);
      },
      onReconnect: ({ error }) => this.#say({ kind: 'away', detail: error.detail }),
    });
    this.#terminal = terminal;
    try {
      await this.#show(terminal);
      forgetTerminal(this.#session.id);
      this.#say({ kind: 'ended', exit: await terminal.exited });
    } catch (error) {
      if (this.#end.signal.aborted) return;
      if (!(error instanceof CcDockerError)) throw error;
      if (error.code !== 'replaced') forgetTerminal(this.#session.id);
      // The one that this tab had is over, and nobody has seen anything of another yet.
      if (kept !== null && error.code === 'terminal_not_found') {
        this.#note('The terminal that was here has ended. This is a new one.');
        return this.#run(null);
      }
      this.#say({ kind: 'lost', error });
    }
  }

  async #show(terminal: SessionTerminal): Promise<void> {
    const shown = new BackPressure((bytes, done) => this.#xterm.write(bytes, done));
    for await (const piece of terminal.output) {
      if (this.#end.signal.aborted) return;
      if (piece.stream === 'gap') this.#note(`${piece.bytes} bytes of output are gone: nobody watched.`);
      else await shown.write(piece.bytes);
    }
  }

  #note(text: string): void {
    this.#xterm.write(`\x1b[0m\x1b[2m[${text}]\x1b[0m\r\n`);
  }

  #say(state: ShellState): void {
    if (!this.#end.signal.aborted) this.state.value = state;
  }
}
