import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';

export interface Post {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server on loopback that takes webhooks. */
export class Receiver {
  readonly posts: Post[] = [];
  /** How the next requests are answered, in order; 200 when there is none. */
  readonly answers: RequestListener[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { method = '', url: path = '', headers } = request;
        this.posts.push({ method, path, headers, body: Buffer.concat(parts).toString() });
        const answer = this.answers.shift();
        if (answer === undefined) response.end('ok');
        else answer(request, response);
      });
    });
  }

  /** @param port 0: any that is free */
  static async start(port = 0, host = '127.0.0.1'): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.#server.listen(port, host);
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  get ids(): unknown[] {
    return this.posts.map(({ headers }) => headers['webhook-id']);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Answers with nothing but a status. */
export function status(code: number, headers: Record<string, string> = {}): RequestListener {
  return (_, response) => response.writeHead(code, headers).end();
}

/** What the signature has to be, as a receiver computes it (docs/webhooks.md). */
export function expectedSignature({ headers, body }: Post, secret: string): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}
