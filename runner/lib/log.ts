import { LineCounter } from './log-lines/line-counter.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
type Fields = Record<string, unknown>;

/** One JSON object a line. Callers name each field: no object is logged whole, so that no secret slips in. */
export interface Log {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
  /** The same log with these fields on every line. */
  with(fields: Fields): Log;
}

/** Lines about one session within ten seconds: what its container does can cause as many as it likes. */
const MOST_OF_SESSION = 100;
/** The same of all together. */
const MOST = 2_000;

/**
 * Lines below `level` are not written. Lines go to stderr by default: stdout belongs to the process that started us. A line
 * that comes again within ten seconds, but for its time, is counted: it is then written once more, with `repeated`.
 */
export function createLog(level: LogLevel, write: (line: string) => void = writeToStderr): Log {
  const writeLine = (text: string) => write(`{"time":"${new Date().toISOString()}",${text.slice(1)}\n`);
  const counted = (most: number) =>
    new LineCounter({
      most,
      write: (text, repeated) => {
        writeLine(repeated === 0 ? text : `${text.slice(0, -1)},"repeated":${repeated}}`);
      },
      leftOut: (lines, text) => {
        const { session } = JSON.parse(text) as Fields;
        writeLine(JSON.stringify({ level: 'warn', event: 'too many log lines', session, left_out: lines }));
      },
    });
  return logTo(level, counted(MOST), {}, () => counted(MOST_OF_SESSION));
}

function logTo(level: LogLevel, lines: LineCounter, bound: Fields, linesOfSession: () => LineCounter): Log {
  const at =
    (own: LogLevel) =>
    (event: string, fields: Fields = {}) => {
      if (LOG_LEVELS.indexOf(own) < LOG_LEVELS.indexOf(level)) return;
      lines.add(JSON.stringify({ level: own, event, ...bound, ...fields }, plain));
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) =>
      logTo(level, 'session' in fields ? linesOfSession() : lines, { ...bound, ...fields }, linesOfSession),
  };
}

/** Lines that could not be written: the log's disk is full. */
let lost = 0;

/** A log that cannot be written must not end the process. The next line that can says how many are missing. */
function writeToStderr(line: string): void {
  const missing = lost === 0 ? '' : `{"level":"warn","event":"log lines lost","lines":${lost}}\n`;
  try {
    process.stderr.write(missing + line);
    lost = 0;
  } catch {
    lost += 1;
  }
}

/** An Error has no enumerable fields: as JSON it would be `{}`. */
function plain(_key: string, value: unknown): unknown {
  return value instanceof Error ? messageOf(value) : value;
}

/** The message of a thrown value of unknown type. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
