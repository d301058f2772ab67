import { onTestFinished, TestRunner } from 'vitest';

/** The real ones: a test may hold the clock. */
const { setInterval, clearInterval } = globalThis;

// oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
type Frame = any;

/** What a viewer is sent after 30 s of silence is no answer to anything. */
const isNoPing = (frame: Frame) => frame?.type !== 'ping';

/** A WebSocket whose frames can be waited for, in order. */
export class Socket {
  readonly #socket: WebSocket;
  readonly #frames: Frame[] = [];
  readonly #closed: Promise<{ code: number; reason: string }>;
  #wake = () => {};
  #ended = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => {
      socket.addEventListener('close', ({ code, reason }) => {
        this.#ended = true;
        this.#wake();
        resolve({ code, reason });
      });
    });
    socket.addEventListener('message', ({ data }) => {
      this.#frames.push(JSON.parse(String(data)));
      this.#wake();
    });
    socket.accept();
  }

  static of(response: Response): Socket {
    if (response.webSocket === null) throw new Error(`no WebSocket but ${response.status}`);
    return new Socket(response.webSocket);
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** Sends this again and again until the test ends, or the socket. */
  keepSaying(text: string, everyMs: number): void {
    const timer = setInterval(() => {
      if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
    }, everyMs);
    void this.#closed.then(() => clearInterval(timer));
    if (TestRunner.getCurrentTest() !== undefined) onTestFinished(() => clearInterval(timer));
  }

  /** The next frame that fits; the others stay, to be waited for themselves. */
  async next(fits: (frame: Frame) => boolean = isNoPing): Promise<Frame> {
    for (;;) {
      const index = this.#frames.findIndex(fits);
      if (index >= 0) return this.#frames.splice(index, 1)[0];
      if (this.#ended) throw new Error('the socket closed before that frame came');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Events in the order they came, up to the first that fits. */
  async events(until: (event: Frame) => boolean): Promise<Frame[]> {
    const seen: Frame[] = [];
    for (;;) {
      const frame = await this.next();
      for (const event of Array.isArray(frame) ? frame : [frame]) {
        seen.push(event);
        if (until(event)) return seen;
      }
    }
  }

  /** Frames that have come and were not waited for. */
  unread(fits: (frame: Frame) => boolean = isNoPing): number {
    return this.#frames.filter(fits).length;
  }

  closed(): Promise<{ code: number; reason: string }> {
    return this.#closed;
  }

  close(): void {
    this.#socket.close(1000);
  }
}
