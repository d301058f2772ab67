import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { build } from 'esbuild';
import { close, listen } from '../net/listen.ts';
import { Chromium } from './chromium.ts';

/** A page in a real Chromium that has a module of ours as `/client.js`, as a bundler makes it. */
export class Page {
  readonly #server: Server;
  #chromium: Chromium | null = null;
  /** Its origin, which is not the service's: for `CORS_ORIGINS`. */
  readonly origin: string;

  private constructor(server: Server, origin: string) {
    this.#server = server;
    this.origin = origin;
  }

  /** @param module its entry, from the project's root */
  static async serve(module: string): Promise<Page> {
    const entry = path.join(import.meta.dirname, '..', '..', '..', module);
    const bundle = { bundle: true, write: false, format: 'esm', platform: 'browser' } as const;
    const { outputFiles } = await build({ entryPoints: [entry], ...bundle });
    const code = outputFiles[0]?.text ?? '';
    const server = createServer((request, response) => {
      const isCode = request.url === '/client.js';
      response.setHeader('content-type', isCode ? 'text/javascript' : 'text/html');
      response.end(isCode ? code : '<!doctype html><title>a page that uses the client</title>');
    });
    return new Page(server, `http://127.0.0.1:${await listen(server, '127.0.0.1')}`);
  }

  /** Opens it. */
  async open(): Promise<void> {
    this.#chromium = await Chromium.open(this.origin);
  }

  /** What an async function gives that has what the module exports. @param body of the function: `exports` and `input` are there */
  async run(body: string, input: unknown): Promise<unknown> {
    const call = `import('/client.js').then(async (exports) => { const input = ${JSON.stringify(input)}; ${body} })`;
    return await this.#chromium?.evaluate(call);
  }

  async stop(): Promise<void> {
    await this.#chromium?.stop();
    await close(this.#server);
  }
}
