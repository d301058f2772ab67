import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { LineCounter } from '../../runner/lib/log-lines/line-counter.ts';
import { errorCode } from './file-error.ts';

const MB = 1024 * 1024;
/** Characters of a line that are kept. */
const LONGEST_LINE = 65_536;
/** What makes two lines differ that say the same. */
const TIME = /\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?/g;

export interface LogFileOptions {
  /** The size at which a new file is begun, bytes. */
  maxBytes?: number;
  /** Earlier files that are kept, as `LOG.1` (the newest), `LOG.2`, … */
  kept?: number;
  /** Lines that are written in ten seconds, of all that differ. */
  most?: number;
}

/**
 * The log of a part of the service. A line that comes again within ten seconds, but for its time, is counted. A disk that is
 * full loses lines, and nothing else.
 */
export class LogFile {
  readonly path: string;
  readonly #maxBytes: number;
  readonly #kept: number;
  readonly #lines: LineCounter;
  #size = 0;
  /** Lines that could not be written. */
  #lost = 0;
  #batch: string[] | undefined;

  constructor(path: string, { maxBytes = 10 * MB, kept = 3, most = 5_000 }: LogFileOptions = {}) {
    this.path = path;
    this.#maxBytes = maxBytes;
    this.#kept = kept;
    this.#lines = new LineCounter({
      most,
      write: (line, repeated) => this.#write(repeated === 0 ? line : `${line} (repeated ${repeated} times)`),
      leftOut: (lines) => this.#write(`… (${lines} more lines were left out)`),
    });
  }

  /** Begins a new file. The last one stays as `LOG.1`. */
  begin(): void {
    this.#size = 0;
    if (!existsSync(this.path)) return;
    rmSync(`${this.path}.${this.#kept}`, { force: true });
    for (let n = this.#kept - 1; n > 0; n--)
      if (existsSync(`${this.path}.${n}`)) renameSync(`${this.path}.${n}`, `${this.path}.${n + 1}`);
    renameSync(this.path, `${this.path}.1`);
  }

  /** Writes all lines that come from there, until its end. */
  take(output: Readable): void {
    let rest = '';
    output.setEncoding('utf8');
    output.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
      this.#add(lines);
    });
    output.on('end', () => this.#add(rest === '' ? [] : [rest]));
    // The part has ended: its exit says how.
    output.on('error', () => {});
  }

  /** Writes a line of the caller's own. */
  line(text: string): void {
    this.#add([text]);
  }

  /** Writes what was only counted until now. */
  flush(): void {
    this.#lines.flush();
  }

  /** The last line; empty: there is none. */
  lastLine(): string {
    return existsSync(this.path) ? (readFileSync(this.path, 'utf8').trimEnd().split('\n').at(-1) ?? '') : '';
  }

  /** Adds lines, which are written all at once. */
  #add(lines: string[]): void {
    this.#batch = [];
    for (const line of lines) this.#lines.add(line.slice(0, LONGEST_LINE), line.replaceAll(TIME, ''));
    const batch = this.#batch;
    this.#batch = undefined;
    if (batch.length > 0) this.#append(batch);
  }

  #write(line: string): void {
    if (this.#batch === undefined) this.#append([line]);
    else this.#batch.push(line);
  }

  #append(lines: string[]): void {
    const missing = this.#lost === 0 ? '' : `… (${this.#lost} lines are missing: they could not be written)\n`;
    const text = `${missing}${lines.join('\n')}\n`;
    try {
      if (this.#size === 0 && existsSync(this.path)) this.#size = statSync(this.path).size;
      if (this.#size >= this.#maxBytes) this.begin();
      appendFileSync(this.path, text, { mode: 0o600 });
      this.#size += Buffer.byteLength(text);
      this.#lost = 0;
    } catch (error) {
      // The disk is full, or the folder is gone. The part goes on, and so does what starts it.
      if (errorCode(error) === undefined) throw error;
      this.#lost += lines.length;
    }
  }
}
