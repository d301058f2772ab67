import { connect, type Socket } from 'node:net';

/** An answer of Redis's, in the protocol RESP2. */
export type Reply = string | number | null | RedisError | Reply[];

/** What Redis says instead of an answer. */
export class RedisError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** `+OK` and the like. Upstash does not encode it as base64, as it does other strings. */
export const OK = 'OK';

/** One connection to Redis. Commands are answered in the order in which they were sent. */
export class RespConnection {
  readonly #socket: Socket;
  readonly #waiting: ((reply: Reply) => void)[] = [];
  /** Gets what comes without having been asked for, such as messages of a channel. */
  readonly #pushed: (reply: Reply) => void;
  #unread: Buffer = Buffer.alloc(0);

  constructor(path: string, pushed: (reply: Reply) => void = () => undefined) {
    this.#pushed = pushed;
    this.#socket = connect(path);
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // The service that uses it ends with the tests, and Redis after it.
    this.#socket.on('error', (error) => this.#fail(error.message));
    this.#socket.on('close', () => this.#fail('the connection has ended'));
  }

  send(command: readonly string[]): Promise<Reply> {
    const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#waiting.push(resolve);
    this.#socket.write(`*${command.length}\r\n${parts.join('')}`);
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #fail(message: string): void {
    for (const answer of this.#waiting.splice(0)) answer(new RedisError(`ERR ${message}`));
  }

  #read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (let read = parse(this.#unread, 0); read !== null; read = parse(this.#unread, 0)) {
      this.#unread = this.#unread.subarray(read.end);
      const answer = this.#waiting.shift() ?? this.#pushed;
      answer(read.reply);
    }
  }
}

/** The reply that begins at `at`; null: not all of it has come. */
function parse(bytes: Buffer, at: number): { readonly reply: Reply; readonly end: number } | null {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd === -1) return null;
  const text = bytes.toString('utf8', at + 1, lineEnd);
  const next = lineEnd + 2;
  switch (bytes.toString('latin1', at, at + 1)) {
    case '+':
      return { reply: text, end: next };
    case '-':
      return { reply: new RedisError(text), end: next };
    case ':':
      return { reply: Number(text), end: next };
    case '$':
      return parseBulk(bytes, next, Number(text));
    case '*':
      return parseArray(bytes, next, Number(text));
    default:
      throw new Error(`Redis does not speak RESP2: ${text}`);
  }
}

function parseBulk(bytes: Buffer, at: number, length: number) {
  if (length === -1) return { reply: null, end: at };
  if (bytes.length < at + length + 2) return null;
  return { reply: bytes.toString('utf8', at, at + length), end: at + length + 2 };
}

function parseArray(bytes: Buffer, at: number, length: number): { readonly reply: Reply; readonly end: number } | null {
  if (length === -1) return { reply: null, end: at };
  const items: Reply[] = [];
  let end = at;
  for (let index = 0; index < length; index += 1) {
    const item = parse(bytes, end);
    if (item === null) return null;
    items.push(item.reply);
    end = item.end;
  }
  return { reply: items, end };
}
