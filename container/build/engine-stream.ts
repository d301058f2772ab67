import { createInterface } from 'node:readline';
import { z } from 'zod';

/** One line of a Docker engine's output while it builds, pulls or imports an image. */
const engineEvent = z.object({
  stream: z.string().optional(),
  status: z.string().optional(),
  id: z.string().optional(),
  error: z.string().optional(),
});
export type EngineEvent = z.infer<typeof engineEvent>;

/** Yields the engine's JSON lines as they come. The engine reports a failure as an event with `error`. */
export async function* engineEvents(answer: NodeJS.ReadableStream): AsyncGenerator<EngineEvent> {
  for await (const line of createInterface({ input: answer, crlfDelay: Infinity })) {
    if (line.trim() !== '') yield engineEvent.parse(JSON.parse(line));
  }
}

/** Reads such an answer to its end; the engine's error, if it ended in one. */
export async function engineError(answer: NodeJS.ReadableStream): Promise<string | undefined> {
  let error: string | undefined;
  for await (const event of engineEvents(answer)) error ??= event.error;
  return error;
}

/** The message of an error from the engine or its connection, without dockerode's prefix. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.message.replace(/^\(HTTP code \d+\) [\w ]+ - /, '').trim();
  return text === '' && 'code' in error ? String(error.code) : text;
}

/** Whether the error means that the engine has no such image. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === 404;
}
