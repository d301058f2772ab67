import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { createdSession } from '../../protocol/api/session/session.ts';
import { Arrivals } from '../lib/arrivals.ts';
import { INSTANT, talkative } from '../lib/script.ts';
import type { Service } from '../lib/service.ts';
import { chat, endSession, post } from '../lib/stack-session.ts';
import { openStream } from '../lib/stream-client.ts';

/** Model calls of the measured turn, each of about 28 lines. */
const STEPS = 60;

/** Milliseconds from when a line leaves `claude` until a WebSocket client has read it. */
export interface LineSamples {
  /** Previews (`stream_event`), which are not stored. */
  previews: number[];
  /** Events, which are stored before they are sent. */
  stored: number[];
  /** Lines of `claude` that are not for clients, such as answers to the wrapper's own requests. */
  others: number;
}

/** A line as `tee.ts` records it. */
const stampedLine = z.looseObject({ type: z.string(), uuid: z.string().optional() });

/** Makes a program that runs `claude` and records in the file `stamps` when each line leaves it. @returns its path */
export async function makeStampingClaude(folder: string, claude: string, stamps: string): Promise<string> {
  const program = path.join(folder, 'claude');
  const tee = path.join(import.meta.dirname, '../raw/tee.ts');
  const words = [process.execPath, tee, stamps, claude].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
  await writeFile(program, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`);
  await chmod(program, 0o755);
  return program;
}

/** Runs one long turn whose lines leave `claude` one at a time. The service's `claude` must be a stamping one. */
export async function measureLines(service: Service, stamps: string): Promise<LineSamples> {
  const { session_id } = await post(service, '/sessions', {}, createdSession);
  await chat(service, session_id, INSTANT);
  const results = new Arrivals();
  const read = new Map<string, bigint>();
  const stream = await openStream(service, session_id, ({ type, data }, at) => {
    const { uuid } = data;
    if (typeof uuid === 'string' && !read.has(uuid)) read.set(uuid, at);
    if (type === 'result') results.arrived();
    else if (type === 'message.failed') results.fail(new Error(`a message failed: ${JSON.stringify(data)}`));
  });
  // The first turn's result, from the log. That turn also warmed up whatever starts late.
  await results.next();
  const began = process.hrtime.bigint();
  stream.prompt(talkative(STEPS));
  await results.next();
  await stream.close();
  await endSession(service, session_id);

  const samples: LineSamples = { previews: [], stored: [], others: 0 };
  for (const stamped of (await readFile(stamps, 'utf8')).split('\n')) {
    const space = stamped.indexOf(' ');
    if (space < 0) continue;
    const left = BigInt(stamped.slice(0, space));
    if (left < began) continue;
    const { type, uuid } = stampedLine.parse(JSON.parse(stamped.slice(space + 1)));
    const arrived = uuid === undefined ? undefined : read.get(uuid);
    if (arrived === undefined) samples.others += 1;
    else samples[type === 'stream_event' ? 'previews' : 'stored'].push(Number(arrived - left) / 1e6);
  }
  return samples;
}
