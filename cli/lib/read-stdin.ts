import { addAbortSignal } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Cli } from './cli.ts';

/** All that comes on stdin, as text. @throws Interrupted at Ctrl-C: a person who types may leave, too */
export async function readStdin({ stdin, signal }: Pick<Cli, 'stdin' | 'signal'>): Promise<string> {
  try {
    return await text(addAbortSignal(signal, stdin));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
