import * as z from 'zod';
import type { DevcontainerFile } from './parse.ts';
import type { UnsupportedList } from './unsupported.ts';

/** Those that run once, when the workspace is new, in their order. */
const HOOKS = ['onCreateCommand', 'updateContentCommand', 'postCreateCommand'] as const;

const MAX_COMMANDS = 32;

/** A program with its arguments. */
export interface DevcontainerCommand {
  /** What it is called: the field, with a name of its own where the file gives one. */
  readonly name: string;
  readonly argv: readonly string[];
}

const words = z.array(z.string().refine((word) => !word.includes('\0'))).min(1);
const line = z.string().refine((text) => !text.includes('\0'));
const command = z.union([line, words]);

/** The commands of a file, one after the other: also those that the file allows to run side by side. */
export function readCommands(
  file: DevcontainerFile,
  fill: (text: string, field: string) => string,
  unsupported: UnsupportedList,
): DevcontainerCommand[] {
  const found: DevcontainerCommand[] = [];
  const add = (name: string, given: unknown): void => {
    const parsed = command.safeParse(given);
    if (!parsed.success) return unsupported.add(name, 'must be a command, or a list of a program and its arguments');
    if (found.length >= MAX_COMMANDS) return unsupported.add(name, `is more than ${MAX_COMMANDS} commands in all`);
    const { data } = parsed;
    if (typeof data !== 'string') found.push({ name, argv: data.map((word) => fill(word, name)) });
    else if (data.trim() !== '') found.push({ name, argv: ['/bin/sh', '-c', fill(data, name)] });
  };
  for (const hook of HOOKS) {
    const given = file[hook];
    if (given === undefined || given === null) continue;
    const named = z.record(z.string(), z.unknown()).safeParse(given);
    if (!named.success) add(hook, given);
    else for (const [name, each] of Object.entries(named.data)) add(`${hook}: ${name}`, each);
  }
  return found;
}
