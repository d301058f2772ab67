import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { close, listen } from '../net/listen.ts';
import type { Trouble } from './redis-for-tests.ts';
import { OK, RedisError, RespConnection, type Reply } from './resp.ts';

/** Allows a script to lock all keys, in Upstash's Redis alone: any other refuses it. */
const UPSTASH_FLAG = /^#!lua flags=allow-key-locking\n/;

const trouble: z.ZodType<Trouble> = z.object({
  match: z.string().min(1),
  kind: z.enum(['none', 'slow', 'failing', 'broken', 'silent', 'lost']),
  delay_ms: z.int(),
});

/** Before a path, for the tests themselves: no fault is theirs. */
const DIRECT = '/-/direct';

const command = z.array(z.union([z.string(), z.number(), z.boolean()]).transform(String)).min(1);
type Command = z.infer<typeof command>;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Upstash's REST protocol in front of a real Redis: single commands, `/pipeline`, `/multi-exec`, `/subscribe/CHANNEL`,
 * base64, bearer tokens. `POST /-/trouble` makes it slow or down (`Trouble`).
 */
export class RedisRest {
  port = 0;
  readonly #server: Server;
  readonly #socket: string;
  readonly #token: string;
  readonly #redis: RespConnection;
  readonly #troubles = new Map<string, Trouble>();
  /** The digest by which Redis knows a script, by that of the script as the client wrote it. */
  readonly #scripts = new Map<string, string>();

  private constructor(socket: string, token: string) {
    this.#socket = socket;
    this.#token = token;
    this.#redis = new RespConnection(socket);
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        write(response, { status: 500, body: { error: `ERR ${String(error)}` } });
      });
    });
  }

  /**
   * @param socket of the Redis behind it
   * @param port 0: any that is free
   */
  static async start(socket: string, token: string, port = 0): Promise<RedisRest> {
    const rest = new RedisRest(socket, token);
    rest.port = await listen(rest.#server, '127.0.0.1', port);
    return rest;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    await close(this.#server);
    this.#redis.close();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (request.url === '/-/trouble') {
      const ordered = trouble.parse(JSON.parse(body));
      this.#troubles.set(ordered.match, ordered);
      return write(response, { status: 200, body: {} });
    }
    if (request.headers.authorization !== `Bearer ${this.#token}`) {
      const error = 'WRONGPASS invalid or missing auth token. See https://docs.upstash.com/redis for details';
      return write(response, { status: 401, body: { error } });
    }
    const direct = request.url?.startsWith(DIRECT) ?? false;
    const path = direct ? (request.url?.slice(DIRECT.length) ?? '') : (request.url ?? '');
    const [, channel] = /^\/subscribe\/(.+)$/.exec(path) ?? [];
    if (channel !== undefined) return this.#subscribe(decodeURIComponent(channel), response);

    const fault = direct ? undefined : [...this.#troubles.values()].find(({ match }) => body.includes(match));
    if (fault?.kind === 'silent') return;
    if (fault?.kind === 'broken') return void response.destroy();
    if (fault?.kind === 'failing') return write(response, { status: 500, body: { error: 'ERR out of order' } });
    if (fault?.kind === 'slow') await delay(fault.delay_ms);
    const answer = await this.#answer(path === '' ? '/' : path, body);
    if (fault?.kind === 'lost') return void response.destroy();
    write(response, request.headers['upstash-encoding'] === 'base64' ? encoded(answer) : answer);
  }

  async #answer(url: string, body: string): Promise<Answer> {
    const asked: unknown = JSON.parse(body);
    if (url === '/') {
      const answer = result(await this.#run(command.parse(asked)));
      return { status: 'error' in answer ? 400 : 200, body: answer };
    }
    const commands = z.array(command).parse(asked);
    if (url === '/pipeline') {
      const replies = await Promise.all(commands.map((one) => this.#run(one)));
      return { status: 200, body: replies.map(result) };
    }
    if (url === '/multi-exec') return this.#transaction(commands);
    return { status: 404, body: { error: `ERR no such path: ${url}` } };
  }

  /** All of it is written at once, so nothing else comes between on the connection. */
  async #transaction(commands: readonly Command[]): Promise<Answer> {
    const sent = [['MULTI'], ...commands, ['EXEC']].map((one) => this.#run(one));
    const executed = (await Promise.all(sent)).at(-1);
    if (Array.isArray(executed)) return { status: 200, body: executed.map(result) };
    return { status: 400, body: result(executed ?? new RedisError('ERR no answer')) };
  }

  /** Sends it at once. */
  #run([name = '', ...args]: Command): Promise<Reply> {
    const [script = '', ...rest] = args;
    if (/^eval$/i.test(name)) {
      const plain = script.replace(UPSTASH_FLAG, '#!lua\n');
      this.#scripts.set(sha1(script), sha1(plain));
      return this.#redis.send([name, plain, ...rest]);
    }
    if (/^evalsha$/i.test(name)) return this.#redis.send([name, this.#scripts.get(script) ?? script, ...rest]);
    return this.#redis.send([name, ...args]);
  }

  /** Server-sent events, as Upstash's: `KIND,CHANNEL,MESSAGE`. */
  #subscribe(channel: string, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const say = (reply: Reply) => {
      if (Array.isArray(reply)) response.write(`data: ${reply.map(String).join(',')}\n\n`);
    };
    const subscription = new RespConnection(this.#socket, say);
    void subscription.send(['SUBSCRIBE', channel]).then(say);
    response.on('close', () => subscription.close());
  }
}

function result(reply: Reply): { readonly result: unknown } | { readonly error: string } {
  return reply instanceof RedisError ? { error: reply.message } : { result: reply };
}

function write(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** The answer with the strings of its results in base64. */
function encoded({ status, body }: Answer): Answer {
  const encode = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(encode);
    return typeof value === 'string' && value !== OK ? Buffer.from(value).toString('base64') : value;
  };
  const one = (value: object) => ('result' in value ? { result: encode(value.result) } : value);
  return { status, body: Array.isArray(body) ? body.map(one) : one(Object(body)) };
}

const sha1 = (script: string) => createHash('sha1').update(script).digest('hex');
