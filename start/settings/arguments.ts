import { parseArgs } from 'node:util';
import { sessionConfig } from '../../protocol/api/session/session-config.ts';
import type { Refused } from '../lib/refused.ts';

export const HELP = `npm start                    serves CC-Docker on http://127.0.0.1:8000
npm start -- "PROMPT"        also runs the prompt in a new session and prints its stream

  --model NAME   the prompt's model: opus-4, sonnet-4, haiku-4, or any name that Claude Code takes
  --once         end when the prompt is done: exit code 0, or 1 if it failed
  --version      print the version
  --help         this text

Settings are environment variables, or lines of a file .env: see .env.example.`;

/** A prompt to run once the service is up. */
export interface PromptRequest {
  prompt: string;
  model: string | undefined;
  /** End the service when the prompt is done. */
  once: boolean;
}

export type Command = { run: 'help' } | { run: 'version' } | { run: 'serve'; prompt: PromptRequest | undefined };

/** Parses the command line. The words of a prompt need no quotes. */
export function parseCommand(args: readonly string[]): Command | Refused {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        model: { type: 'string' },
        once: { type: 'boolean', default: false },
        version: { type: 'boolean', short: 'v', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return { refused: `${flagFault(error)} (--help shows the flags)` };
  }
  const { values, positionals } = parsed;
  if (values.help) return { run: 'help' };
  if (values.version) return { run: 'version' };

  const prompt = positionals.join(' ').trim();
  if (prompt === '') {
    if (positionals.length > 0) return { refused: 'the prompt is empty' };
    if (values.model !== undefined)
      return { refused: '--model is the model of a prompt: npm start -- --model NAME "PROMPT"' };
    if (values.once) return { refused: '--once ends with a prompt: npm start -- --once "PROMPT"' };
    return { run: 'serve', prompt: undefined };
  }
  const model = sessionConfig.shape.model.safeParse(values.model);
  if (!model.success) return { refused: `--model ${model.error.issues.map(({ message }) => message).join('; ')}` };
  return { run: 'serve', prompt: { prompt, model: model.data, once: values.once } };
}

/** The error of `parseArgs`, without the advice that it adds. */
export function flagFault(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(/\.\s/, 1)[0] ?? message;
}
