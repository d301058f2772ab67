import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import * as z from 'zod';
import { heldProgram } from '../../../runner/lib/process/held-program.ts';
import { signalProcess } from '../../../runner/lib/process-identity.ts';
import { HTTP_SOCKET } from './config.ts';

const require = createRequire(import.meta.url);
/** The binary for this machine, as the package names it, which has no types. */
const { default: WORKERD } = z.object({ default: z.string() }).parse(require('workerd'));

/** What workerd says on its control channel when a socket of its serves. */
const listening = z.object({ event: z.literal('listen'), socket: z.literal(HTTP_SOCKET), port: z.int() });

/** Characters of the last output that are kept for a sentence on its end. */
const TAIL = 4096;

export interface WorkerdOptions {
  /** The configuration. */
  readonly file: string;
  /** `HOST:PORT` to listen on; port 0: any free one. */
  readonly address: string;
  /** The values of the Worker's texts. */
  readonly env: Readonly<Record<string, string>>;
  /** Gets what it writes. */
  readonly take: (output: Readable) => void;
  /** Called with its process id. It runs once this has resolved. */
  readonly onProcess: (pid: number) => Promise<void>;
}

export interface Workerd {
  readonly port: number;
  /** Resolves with why it ended, in a few words. */
  readonly ended: Promise<string>;
  /**
   * Ends it at once. Nothing is lost: what an object has acknowledged is on the disk. Told to end in order, it would wait for every
   * connection, and a viewer's has no end.
   */
  kill(): void;
}

/** workerd ended before it served. The message says why, in a few words. */
export class WorkerdFailure extends Error {}

/**
 * Starts workerd, and waits until it serves.
 *
 * @throws WorkerdFailure
 */
export async function startWorkerd({ file, address, env, take, onProcess }: WorkerdOptions): Promise<Workerd> {
  // Held: nothing runs before it is known who ends it.
  const program = heldProgram(WORKERD, 'serve', '--control-fd=3', `--socket-addr=${HTTP_SOCKET}=${address}`, file);
  const child = spawn(...program, {
    // In a process group of its own: a Ctrl-C at the terminal is not for it.
    detached: true,
    env,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  let tail = '';
  child.stderr.on('data', (chunk: Buffer) => (tail = (tail + chunk.toString()).slice(-TAIL)));
  take(child.stdout);
  take(child.stderr);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    // `close`, not `exit`: its last words say why.
    child.once('close', (code, signal) => resolve(signal ?? lastWords(tail) ?? `code ${code}`));
  });
  if (child.pid === undefined) throw new WorkerdFailure(await ended);
  const { pid } = child;
  await onProcess(pid);
  child.stdin.end('\n');
  const [, , , control] = child.stdio;
  if (!(control instanceof Readable)) throw new Error('workerd has no control channel');
  const port = await Promise.race([portOf(control), ended]);
  if (typeof port === 'string') throw new WorkerdFailure(port);
  return { port, ended, kill: () => void signalProcess(pid, 'SIGKILL') };
}

async function portOf(control: Readable): Promise<number> {
  for await (const line of createInterface(control)) {
    const said = listening.safeParse(JSON.parse(line));
    if (said.success) return said.data.port;
  }
  // It has ended, which its exit says.
  return await new Promise(() => {});
}

/** The line of a fatal error that says what happened, without the addresses below it. */
function lastWords(output: string): string | undefined {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('stack:'));
  return (lines.findLast((line) => /fatal|error|failed/i.test(line)) ?? lines.at(-1))?.trim().slice(0, 500);
}
