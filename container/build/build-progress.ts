import type { EngineEvent } from './engine-stream.ts';

/** Lines kept of a failed step's output: enough to see why it failed. */
const TAIL_LINES = 15;

export interface BuildProgress {
  take(event: EngineEvent): void;
  /** How the build failed, if it did: the number of the step, from 1, and the end of its output. */
  failure(): { step: number; detail: string } | undefined;
}

/** Follows a build. `say` gets its steps, and those lines of the package manager that show progress. */
export function buildProgress(say: (line: string) => void): BuildProgress {
  let step = 0;
  let tail: string[] = [];
  let error: string | undefined;
  const pulled = new Set<string>();

  const takeLine = (line: string) => {
    const start = /^Step (\d+)\/(\d+) : (.*)$/.exec(line);
    if (start) {
      const [, number = '', total = '', command = ''] = start;
      step = Number(number);
      tail = [];
      say(`Step ${number}/${total}: ${shorten(command)}`);
      return;
    }
    tail = [...tail, line].slice(1 - TAIL_LINES);
    if (/^(Need to get|\d+ upgraded|E: |Processing triggers for libc-bin)/.test(line)) say(`  ${shorten(line)}`);
  };

  return {
    take(event) {
      error ??= event.error;
      for (const line of (event.stream ?? '').split(/[\r\n]+/)) if (line.trim() !== '') takeLine(line.trimEnd());
      if (event.status === 'Pull complete' && event.id !== undefined && !pulled.has(event.id)) {
        pulled.add(event.id);
        say(`  base image: ${pulled.size} layers fetched`);
      }
    },
    failure() {
      if (error === undefined) return undefined;
      return { step, detail: step <= 1 ? error : [error, ...tail].join('\n') };
    },
  };
}

const shorten = (text: string) => (text.length > 100 ? `${text.slice(0, 99)}…` : text);
