import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { close, listen } from '../net/listen.ts';
import { ApiError } from './api/api-error.ts';
import { realClock } from './clock.ts';
import { Operations, type OperationsOptions } from './api/operations.ts';
import { PretendRuntime } from './task-runtime.ts';
import { Throttle } from './throttle.ts';

const TARGET = /^AmazonEC2ContainerServiceV20141113\.([A-Za-z]+)$/;

/** What goes wrong with one call. */
export type Fault =
  /** It is refused for being one too many; nothing is done. */
  | 'throttled'
  /** ECS itself fails; nothing is done. */
  | 'unavailable'
  /** It is done, and its answer never comes. */
  | 'lost'
  /** No machine has room: the answer is a 200 without a task. */
  | { failure: string }
  /** It is refused in these words. */
  | { error: string; message: string };

export interface Call {
  operation: string;
  input: Record<string, unknown>;
  /** Counted per operation, from 1. */
  n: number;
}

export interface EcsStandInOptions extends Partial<OperationsOptions> {
  /** It counts calls as AWS does. Off by default: where a test's times are a hundredth of AWS's, so are its calls. */
  throttled?: boolean;
  /** Asked before each call is done; undefined: it is done as it should be. */
  fault?: (call: Call) => Fault | undefined;
}

/** An access key that it takes. */
export const CREDENTIALS = { accessKeyId: 'AKIASTANDIN', secretAccessKey: 'of no use elsewhere' };

/** A stand-in of ECS: one cluster behind the API's own protocol (AWS JSON 1.1), as the SDK speaks it. */
export class EcsStandIn {
  readonly operations: Operations;
  /** Every call that came, also those that went wrong. */
  readonly calls: Call[] = [];
  /** See `EcsStandInOptions`. May be changed at any time. */
  fault: NonNullable<EcsStandInOptions['fault']>;
  readonly #throttle: Throttle | undefined;
  readonly #server: Server;
  #port = 0;

  private constructor(options: EcsStandInOptions) {
    if (options.throttled === true) this.#throttle = new Throttle(options.clock ?? realClock);
    this.fault = options.fault ?? (() => undefined);
    this.operations = new Operations({
      cluster: 'of-the-tests',
      clock: realClock,
      runtime: new PretendRuntime(),
      delays: { provisioning: 0, pending: 0, deactivating: 0, deprovisioning: 0 },
      lateMs: 0,
      ...options,
    });
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(options: EcsStandInOptions = {}): Promise<EcsStandIn> {
    const standIn = new EcsStandIn(options);
    standIn.#port = await listen(standIn.#server, '127.0.0.1');
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Stops all tasks, and answers no more. Resolves when nothing of them is left. */
  async close(): Promise<void> {
    await close(this.#server);
    await Promise.all(
      this.operations.tasks.map(async (task) => {
        task.stop('ServiceSchedulerInitiated', 'The cluster is taken down.');
        await task.stopped;
      }),
    );
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    try {
      const operation = TARGET.exec(String(request.headers['x-amz-target']))?.[1];
      if (request.headers['content-type'] !== 'application/x-amz-json-1.1' || operation === undefined)
        throw new ApiError('UnknownOperationException', '');
      authenticate(request);
      const input: Record<string, unknown> = JSON.parse(body);
      const n = 1 + this.calls.filter((call) => call.operation === operation).length;
      const call = { operation, input, n };
      this.calls.push(call);
      const answer = this.#answer(call);
      if (answer === undefined) return void request.socket.destroy();
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
    } catch (error) {
      const refusal =
        error instanceof ApiError ? error : new ApiError('ServerException', String(error), { status: 500 });
      response.writeHead(refusal.status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify({ __type: refusal.type, message: refusal.message, ...refusal.more }));
    }
  }

  /** @returns undefined: none */
  #answer(call: Call): unknown {
    const fault = this.#throttle?.admits(call.operation) === false ? 'throttled' : this.fault(call);
    if (fault === 'throttled') throw new ApiError('ThrottlingException', 'Rate exceeded');
    if (fault === 'unavailable') throw new ApiError('ServerException', 'Service Unavailable', { status: 500 });
    if (fault !== undefined && fault !== 'lost') {
      if ('failure' in fault) return { tasks: [], failures: [{ reason: fault.failure }] };
      throw new ApiError(fault.error, fault.message);
    }
    const answer = this.operations.call(call.operation, call.input);
    return fault === 'lost' ? undefined : answer;
  }
}

function authenticate({ headers }: IncomingMessage): void {
  const key = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/[a-z0-9-]+\/ecs\/aws4_request, /.exec(
    headers.authorization ?? '',
  )?.[1];
  if (key === undefined) throw new ApiError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  if (key !== CREDENTIALS.accessKeyId)
    throw new ApiError('UnrecognizedClientException', 'The security token included in the request is invalid.');
}
