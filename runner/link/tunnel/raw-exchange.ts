import type { Socket } from 'node:net';
import type { StreamTarget } from '../../../protocol/link/tunnel/target.ts';
import type { TunnelMessage } from '../../../protocol/link/tunnel/message.ts';
import { refuseFor, type Exchange, type TunnelStream } from './exchange.ts';

/** Bytes between the session and something in the container, both ways, as they are. */
export class RawExchange implements Exchange {
  readonly #stream: TunnelStream;
  #socket: Socket | undefined;
  #isOver = false;
  /** Neither end has ended yet. */
  #open = 2;

  constructor(target: StreamTarget, open: (target: StreamTarget) => Promise<Socket>, stream: TunnelStream) {
    this.#stream = stream;
    open(target).then(
      (socket) => this.#join(socket),
      (error: unknown) => {
        if (!this.#isOver) refuseFor(stream, error);
      },
    );
  }

  bytes({ bytes }: Omit<TunnelMessage, 'stream'>, cost: number): void {
    // The session sends nothing before `opened`.
    this.#socket?.write(bytes, () => this.#stream.end.taken(cost));
  }

  end(): void {
    this.#socket?.end();
    this.#ended();
  }

  cancel(): void {
    this.#isOver = true;
    this.#socket?.destroy();
  }

  #join(socket: Socket): void {
    if (this.#isOver) return void socket.destroy();
    this.#socket = socket;
    const { end } = this.#stream;
    socket.on('data', (chunk: Buffer) => {
      void end.send('bytes', chunk).then(() => {
        if (end.waiting === 0) socket.resume();
      });
      if (end.waiting > 0) socket.pause();
    });
    socket.once('end', () => {
      end.end();
      this.#ended();
    });
    socket.once('close', () => {
      if (this.#isOver || this.#open === 0) return;
      this.#isOver = true;
      this.#stream.reset('The container broke the stream off.');
    });
    this.#stream.opened();
    socket.resume();
  }

  #ended(): void {
    this.#open -= 1;
    if (this.#open === 0 && !this.#isOver) this.#stream.finish();
  }
}
