import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { steadyNetwork } from '../console/browser/steady-network.ts';
import { nodeEnvironment } from '../run/node-environment.ts';

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { message: string };
}

/** Whether there is one. */
export const hasChromium = (): boolean => spawnSync('which', ['chromium']).status === 0;

const FLAGS = [
  '--headless=new',
  // As root there is no sandbox. It opens pages of ours alone.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // As `chromium.sh` beside this.
  '--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup',
  '--no-first-run',
  '--remote-debugging-pipe',
];

/** A page in a real Chromium, driven by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/). */
export class Chromium {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #input: Writable;
  readonly #waiting = new Map<number, { resolve(result: Record<string, unknown>): void; reject(error: Error): void }>();
  readonly #listeners = new Map<string, (params: unknown) => void>();
  #lastId = 0;
  #session: string | undefined;

  private constructor(child: ChildProcess, folder: string) {
    this.#process = child;
    this.#folder = folder;
    this.#input = child.stdio[3] as Writable;
    let rest = '';
    (child.stdio[4] as Readable).setEncoding('utf8').on('data', (chunk: string) => {
      const messages = (rest + chunk).split('\0');
      rest = messages.pop() ?? '';
      for (const message of messages) this.#take(JSON.parse(message) as Answer);
    });
    child.once('exit', (code) => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error(`Chromium ended with ${code}`));
    });
  }

  /** Opens a page. */
  static async open(url: string): Promise<Chromium> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-chromium-'));
    const child = spawn('chromium', [...FLAGS, `--user-data-dir=${folder}`, 'about:blank'], {
      env: { ...nodeEnvironment(), HOME: folder, ...(await steadyNetwork(folder)) },
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    const chromium = new Chromium(child, folder);
    const { targetId } = await chromium.#send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await chromium.#send('Target.attachToTarget', { targetId, flatten: true });
    chromium.#session = sessionId as string;
    await chromium.#send('Page.enable');
    await chromium.goTo(url);
    return chromium;
  }

  /** Opens another page in its place. */
  async goTo(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => this.#listeners.set('Page.loadEventFired', () => resolve()));
    await this.#send('Page.navigate', { url });
    await loaded;
  }

  /** What an expression gives in the page, once its promise has settled. */
  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.#send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    const { result, exceptionDetails } = answer as {
      result: { value?: unknown };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    };
    if (exceptionDetails !== undefined) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value;
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit');
    await this.#send('Browser.close').catch(() => this.#process.kill('SIGKILL'));
    await exited;
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #take({ id, method, result, error }: Answer): void {
    if (id === undefined) {
      this.#listeners.get(method ?? '')?.(result);
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result ?? {});
    else waiting?.reject(new Error(error.message));
  }

  #send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = (this.#lastId += 1);
    const session = this.#session === undefined || method === 'Browser.close' ? {} : { sessionId: this.#session };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#input.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    });
  }
}
