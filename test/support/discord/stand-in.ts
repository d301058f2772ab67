import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { APIUser } from 'discord-api-types/v10';
import type * as z from 'zod';
import { Buckets } from './buckets.ts';
import { Interactions } from './interactions.ts';
import { Person } from './person.ts';
import { answerBody, openBody, commandsBody, editBody, formErrors, messageBody, threadBody } from './rules.ts';
import { Signer } from './signer.ts';
import { type DiscordError, isError, refuse, type SentFile, type Shown, World } from './world.ts';
import { atMost } from '../patience.ts';

/** How Discord can be out of order. `lost`: it does what it is asked, and its answer does not arrive. */
export type Fault = 'none' | 'unavailable' | 'banned' | 'hangs' | 'cut_off' | 'lost';

export interface StandInOptions {
  /** Epoch milliseconds. */
  readonly now?: () => number;
  /** For how long Discord waits for the answer to an interaction, milliseconds of real time: 3 seconds on a quiet machine. */
  readonly answerMs?: number;
}

/** A request as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly at: number;
}

interface Incoming {
  readonly method: string;
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly body: unknown;
  readonly files: SentFile[];
}
type Answer = { readonly status: number; readonly body?: object | undefined };

const UNAUTHORIZED = refuse(401, 0, '401: Unauthorized');
const NOT_FOUND = refuse(404, 0, '404: Not Found');
const NOT_YOURS = refuse(403, 20012, 'You are not authorized to perform this action on this application');
const NOT_JSON = refuse(400, 50109, 'The request body contains invalid JSON.');

/**
 * Discord's API, as far as a bot without a gateway connection uses it, on loopback: its rules are its documentation's. What was sent is shown as
 * people see it; `person` makes people who command and press.
 */
export class DiscordStandIn {
  readonly applicationId: string;
  readonly botToken = `stand-in.${crypto.randomUUID()}`;
  readonly signer = new Signer();
  readonly world: World;
  readonly interactions: Interactions;
  readonly buckets: Buckets;
  readonly requests: SeenRequest[] = [];
  /** What was registered: by server, or for all of them ('global'). */
  readonly commands = new Map<string, z.infer<typeof commandsBody>>();
  fault: Fault = 'none';
  readonly #now: () => number;
  readonly #answerMs: number;
  readonly #bot: APIUser;
  #server: Server | null = null;

  private constructor({ now = Date.now, answerMs = atMost(3) }: StandInOptions) {
    this.#now = now;
    this.#answerMs = answerMs;
    this.world = new World(now);
    this.applicationId = this.world.snowflake();
    this.#bot = {
      id: this.applicationId,
      username: 'claude',
      discriminator: '0',
      global_name: null,
      avatar: null,
      bot: true,
    };
    this.interactions = new Interactions(this.world, this.#bot, now);
    this.buckets = new Buckets(now);
  }

  static async start(options: StandInOptions = {}): Promise<DiscordStandIn> {
    const standIn = new DiscordStandIn(options);
    const server = createServer((request, response) => void standIn.#serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    standIn.#server = server;
    return standIn;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  }

  get baseUrl(): string {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    if (!address) throw new Error('the stand-in has not been started');
    return `http://127.0.0.1:${address.port}/api/v10`;
  }

  /** The settings with which a service speaks to it. */
  settings(channel: string): Record<string, string> {
    return {
      DISCORD_APPLICATION_ID: this.applicationId,
      DISCORD_PUBLIC_KEY: this.signer.publicKey,
      DISCORD_BOT_TOKEN: this.botToken,
      DISCORD_CHANNEL_ID: channel,
      DISCORD_API_BASE_URL: this.baseUrl,
    };
  }

  /** Somebody who uses the service at that URL. */
  person(url: string, name: string, roles: readonly string[] = [], id = this.world.snowflake()): Person {
    const user = { id, username: name, discriminator: '0', global_name: null, avatar: null };
    const { applicationId, world, interactions, signer } = this;
    return new Person({
      url,
      user,
      roles,
      applicationId,
      world,
      interactions,
      signer,
      now: this.#now,
      answerMs: this.#answerMs,
    });
  }

  /** The messages of a channel or a thread, the oldest first. */
  messages(channel: string): Shown[] {
    return this.world.shown(channel) ?? [];
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const [path = '/', query = ''] = url.split('?');
    const log = (status: number) => this.requests.push({ method, path, status, at: this.#now() });
    const send = (status: number, body: object | undefined, headers: Record<string, string> = {}) => {
      log(status);
      response.writeHead(status, { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (this.fault === 'hangs') return;
    if (this.fault === 'cut_off') return void request.socket.destroy();
    if (this.fault === 'unavailable') return send(503, { message: '503: Service Unavailable', code: 0 });
    if (this.fault === 'banned') {
      log(429);
      response
        .writeHead(429, { 'content-type': 'text/html', 'retry-after': '120' })
        .end('<html>error code: 1015</html>');
      return;
    }
    const parts = path
      .replace(/^\/api\/v10\//, '')
      .split('/')
      .map(decodeURIComponent);
    const hasToken = parts[0] === 'webhooks' || parts[0] === 'interactions';
    const major = hasToken ? parts.slice(0, 3).join('/') : parts[0] === 'channels' ? (parts[1] ?? '') : '';
    const isMajor = hasToken || parts[0] === 'channels';
    const shape = parts.map((part, at) =>
      at === 0 || (!/^\d+$/.test(part) && !(hasToken && at === 2)) ? part : ':id',
    );
    const bucket = this.buckets.take(`${method} /${shape.join('/')}`, isMajor ? major : '', !hasToken);
    if (bucket.refused !== null) return send(429, bucket.refused.body, bucket.headers);
    const incoming = await read(method, parts, new URLSearchParams(query), request, Buffer.concat(chunks));
    const answer = isError(incoming) && 'code' in incoming.body ? incoming : this.#answer(incoming as Incoming);
    if (this.fault === 'lost') {
      log(0);
      request.socket.destroy();
      return;
    }
    send(answer.status, answer.body, bucket.headers);
  }

  #answer(incoming: Incoming): Answer {
    const { method, parts, body, files } = incoming;
    const [resource, first = '', second = '', third = '', fourth = ''] = parts;
    if (resource === 'interactions' && method === 'POST' && third === 'callback') {
      return this.interactions.answerById(first, second, body, files) ?? { status: 204 };
    }
    if (resource === 'webhooks') return this.#webhook(incoming);
    if (incoming.authorization !== `Bot ${this.botToken}`) return UNAUTHORIZED;
    if (resource === 'applications') return this.#commands(incoming);
    if (resource !== 'channels') return NOT_FOUND;
    const route = `${method} ${[second, third === '' ? '' : ':id', fourth].filter((part) => part !== '').join('/')}`;
    switch (route) {
      case 'GET ': {
        return found(this.world.channel(first) ?? refuse(404, 10003, 'Unknown Channel'));
      }
      case 'PATCH ':
        return parsed(openBody, body, () => found(this.world.openAgain(first)));
      case 'GET messages': {
        const { query } = incoming;
        return found(this.world.listAfter(first, query.get('after') ?? '0', Number(query.get('limit') ?? 50)));
      }
      case 'POST messages':
        return parsed(messageBody, body, (message) => found(this.world.post(first, this.#bot, message, { files })));
      case 'GET messages/:id':
        return found(this.world.find(first, third));
      case 'PATCH messages/:id':
        return parsed(editBody, body, (message) => found(this.world.edit(first, third, message, files)));
      case 'DELETE messages/:id':
        return this.world.remove(first, third) ?? { status: 204 };
      case 'POST messages/:id/threads':
        return parsed(threadBody, body, ({ name }) => found(this.world.startThread(first, third, name), 201));
      case 'POST threads':
        return parsed(threadBody, body, ({ name }) => found(this.world.startThread(first, null, name), 201));
      default:
        return NOT_FOUND;
    }
  }

  #webhook({ method, parts, body, files }: Incoming): Answer {
    const [, application = '', token = '', messages, id = ''] = parts;
    if (application !== this.applicationId) return refuse(404, 10015, 'Unknown Webhook');
    const interaction = this.interactions.byToken(token);
    if (isError(interaction)) return interaction;
    if (messages === undefined && method === 'POST') {
      return parsed(answerBody, body, (message) => found(this.interactions.followUp(interaction, message, files)));
    }
    const place = id === '@original' ? interaction.original : { channel: interaction.channel, id };
    if (messages !== 'messages' || place === null) return refuse(404, 10008, 'Unknown Message');
    if (method === 'GET') return found(this.world.find(place.channel, place.id));
    if (method === 'DELETE') return this.world.remove(place.channel, place.id) ?? { status: 204 };
    if (method !== 'PATCH') return NOT_FOUND;
    interaction.isDeferred = false;
    return parsed(editBody, body, (message) => found(this.world.edit(place.channel, place.id, message, files)));
  }

  #commands({ method, parts, body }: Incoming): Answer {
    const [, application, kind, guild = '', commands] = parts;
    if (application !== this.applicationId) return NOT_YOURS;
    const isOfGuild = kind === 'guilds' && commands === 'commands';
    if (!isOfGuild && kind !== 'commands') return NOT_FOUND;
    if (isOfGuild && guild !== this.world.guild) return refuse(403, 50001, 'Missing Access');
    const where = isOfGuild ? guild : 'global';
    if (method === 'GET') return { status: 200, body: this.commands.get(where) ?? [] };
    if (method !== 'PUT') return NOT_FOUND;
    return parsed(commandsBody, body, (given) => {
      const kept = given.map((command) => ({ ...command, id: this.world.snowflake(), application_id: application }));
      this.commands.set(where, kept);
      return { status: 200, body: kept };
    });
  }
}

function found(value: object, status = 200): Answer {
  return isError(value) ? value : { status, body: value };
}

function parsed<T>(schema: z.ZodType<T>, body: unknown, then: (value: T) => Answer): Answer {
  const read = schema.safeParse(body);
  return read.success ? then(read.data) : refuse(400, 50035, 'Invalid Form Body', formErrors(read.error));
}

/** The request's JSON and files, or why Discord does not take them. */
async function read(
  method: string,
  parts: readonly string[],
  query: URLSearchParams,
  { headers }: IncomingMessage,
  bytes: Buffer,
): Promise<Incoming | DiscordError> {
  const { authorization } = headers;
  const type = headers['content-type'] ?? '';
  if (!/^DiscordBot \(\S+, \S+\)/.test(headers['user-agent'] ?? ''))
    return refuse(403, 40333, 'internal network error');
  const incoming = (body: unknown, files: SentFile[] = []): Incoming => ({
    method,
    parts,
    query,
    authorization,
    body,
    files,
  });
  if (bytes.length === 0) return incoming(undefined);
  if (type.startsWith('application/json')) {
    const body = parseJson(bytes.toString());
    return body === undefined ? NOT_JSON : incoming(body);
  }
  if (!type.startsWith('multipart/form-data')) return refuse(400, 50035, 'Invalid Form Body');
  const form = await new Response(Uint8Array.from(bytes), { headers: { 'content-type': type } }).formData();
  const files: SentFile[] = [];
  for (const [name, value] of form) {
    const [, id] = /^files\[(\d+)\]$/.exec(name) ?? [];
    if (id !== undefined && value instanceof File) files.push({ id, name: value.name, text: await value.text() });
  }
  const json = form.get('payload_json');
  const body = parseJson(typeof json === 'string' ? json : '{}');
  return body === undefined ? NOT_JSON : incoming(body, files);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
