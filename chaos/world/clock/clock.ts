import { execFile, spawnSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const SOURCE = path.join(import.meta.dirname, 'shifted-clock.c');

/** The clock that the parts of a run see. It can be set, as a person or an NTP daemon sets a machine's; this machine's stays as it is. */
export class Clock {
  /** For the environment of a part: what it starts gets it by itself. */
  readonly env: Readonly<Record<string, string>>;
  readonly #file: number;
  #shiftMs = 0;
  #mostMs = 0;

  private constructor(library: string, file: string) {
    this.env = { LD_PRELOAD: library, CC_CHAOS_CLOCK: file };
    this.#file = openSync(file, 'w');
    this.move(0);
  }

  /** @param folder for its files @throws when it cannot be compiled */
  static async make(folder: string): Promise<Clock> {
    const library = path.join(folder, 'shifted-clock.so');
    await promisify(execFile)('cc', ['-shared', '-fPIC', '-O2', '-o', library, SOURCE, '-ldl']);
    return new Clock(library, path.join(folder, 'shift'));
  }

  /** Sets it forward by so many milliseconds, or back. */
  move(ms: number): void {
    this.#shiftMs += ms;
    this.#mostMs = Math.max(this.#mostMs, this.#shiftMs);
    const shift = Buffer.alloc(8);
    shift.writeBigInt64LE(BigInt(Math.round(this.#shiftMs)) * 1_000_000n);
    writeSync(this.#file, shift, 0, 8, 0);
  }

  /** How far it was set back from the latest time that it has shown, milliseconds: what is due at a time waits this much longer. */
  get behindMs(): number {
    return this.#mostMs - this.#shiftMs;
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Why this machine has no such clock; undefined: it has. */
export function whyNoClock(): string | undefined {
  if (process.platform !== 'linux') return 'the clock of single processes is shifted on Linux only';
  return spawnSync('cc', ['--version']).status === 0 ? undefined : 'there is no C compiler (cc)';
}
