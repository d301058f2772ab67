import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import Docker from 'dockerode';
import { extract } from 'tar-stream';

/** An engine's HTTP API as far as a build needs it, with answers of the test's choice. */
export class FakeEngine implements AsyncDisposable {
  readonly docker: Docker;
  /** Names of the images that it has. */
  readonly images = new Set<string>();
  /** The files of the last build context: their names, modes and sizes. */
  context: { name: string; mode: number; size: number }[] = [];
  /** Query parameters of the builds asked for. */
  readonly builds: URLSearchParams[] = [];
  architecture = 'amd64';
  /** What a build answers: a JSON line each. */
  buildAnswer: object[] = [{ stream: 'Successfully built 0123\n' }];

  readonly #folder: string;
  readonly #server = createServer((request, response) => {
    this.#answer(request).then(
      ({ status, body }) => response.writeHead(status, { 'content-type': 'application/json' }).end(body),
      (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
    );
  });

  static async start(): Promise<FakeEngine> {
    const engine = new FakeEngine(await mkdtemp(join(tmpdir(), 'fake-engine-')));
    engine.#server.listen(engine.#socketPath());
    await once(engine.#server, 'listening');
    return engine;
  }

  private constructor(folder: string) {
    this.#folder = folder;
    this.docker = new Docker({ socketPath: this.#socketPath() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await rm(this.#folder, { recursive: true });
  }

  #socketPath(): string {
    return join(this.#folder, 'docker.sock');
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: string }> {
    const url = new URL(request.url ?? '/', 'http://engine');
    if (url.pathname === '/version') return ok({ Os: 'linux', Arch: this.architecture });
    if (url.pathname === '/build') {
      await this.#readContext(request);
      this.builds.push(url.searchParams);
      if (!this.buildAnswer.some((line) => 'error' in line)) this.images.add(url.searchParams.get('t') ?? '');
      return { status: 200, body: this.buildAnswer.map((line) => `${JSON.stringify(line)}\r\n`).join('') };
    }
    const [, name = '', action] = /^\/images\/(.+)\/(json|tag)$/.exec(url.pathname) ?? [];
    if (!this.images.has(name)) return { status: 404, body: JSON.stringify({ message: `No such image: ${name}` }) };
    if (action === 'tag') this.images.add(`${url.searchParams.get('repo')}:${url.searchParams.get('tag')}`);
    return action === 'tag' ? { status: 201, body: '' } : ok({ Id: name });
  }

  async #readContext(request: IncomingMessage): Promise<void> {
    this.context = [];
    const files = extract();
    files.on('entry', ({ name, mode, size }, content, next) => {
      this.context.push({ name, mode, size });
      content.on('end', next).resume();
    });
    await pipeline(request, files);
  }
}

const ok = (body: object) => ({ status: 200, body: JSON.stringify(body) });
