import { readdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type Docker from 'dockerode';
import * as z from 'zod';
import { buildReport, type BuildReport } from '../../../../protocol/link/environment/build-launch.ts';
import { engineProblem, engineStatus } from '../../../backend/docker-error.ts';
import { FreeSpace, type Space } from '../../../lib/disk/free-space.ts';
import type { Measure } from '../../../lib/disk/usage.ts';
import type { Log } from '../../../lib/log.ts';
import { outputParts } from '../../../lib/streams/attached-output.ts';
import { waitAtMost } from '../../../lib/wait-at-most.ts';
import { WorkspaceWatch, type Full } from '../../container/workspace-watch.ts';
import { writtenBytes } from '../image-store.ts';
import type { BuildEnd } from './failure.ts';

/** Of what the program itself says, at most so much is kept, characters: the end. */
const STDERR = 32 * 1024;
/** Output that is read in a second at most, bytes. Who writes more is slowed down. */
const READ_BYTES = 8 * 1024 * 1024;
/** Once the container has ended, for what it still had in its pipes, milliseconds. */
const DRAIN_MS = 10_000;
/** Between two tries to end a container, milliseconds. */
const RETRY_MS = 500;
/** Of a request that an engine answers in milliseconds. */
const ANSWER_MS = 5_000;
/** Between two measurements on an engine whose files are elsewhere, milliseconds. */
const POLL_MS = 2_000;

const inspected = z.object({
  State: z.object({ ExitCode: z.number().nullable(), OOMKilled: z.boolean() }),
});
const layer = z.object({
  GraphDriver: z.object({ Name: z.string(), Data: z.record(z.string(), z.string()).nullish() }).nullish(),
});

export interface BuildRun {
  docker: Docker;
  /** It exists, and has not been started. */
  container: Docker.Container;
  /** Aborted: nobody wants it any more. */
  signal: AbortSignal;
  timeoutMs: number;
  limits: { mb: number; files: number };
  measure: Measure;
  /** Measures with root's rights; undefined: nothing does. */
  privileged: Measure | undefined;
  /** `setup` has written this. */
  onOutput: (bytes: Buffer) => void;
  log: Log;
}

/**
 * Starts a build container and waits for its end, however that comes.
 *
 * @returns all but what its output and its proxy say
 * @throws when the engine does not answer, or the signal is aborted; the container may then still be there
 */
export async function runBuildContainer(run: BuildRun): Promise<Omit<BuildEnd, 'output' | 'refused'>> {
  const { container, signal, timeoutMs } = run;
  let full: Full | undefined;
  let timedOut = false;
  const over = new AbortController();
  const ended = new AbortController();
  const done = new AbortController();
  const attached = await container.attach({ stream: true, stdout: true, stderr: true, abortSignal: done.signal });
  const reading = readOutput(attached, run.onOutput);
  reading.catch(() => {});
  const watch = await watchDisk(run, (found) => {
    full ??= found;
    over.abort();
  });
  const timer = setTimeout(() => {
    timedOut = true;
    over.abort();
  }, timeoutMs);
  try {
    await container.start({ abortSignal: signal });
    const killing = killWhen(AbortSignal.any([signal, over.signal]), ended.signal, run);
    await container.wait();
    ended.abort();
    await killing;
    signal.throwIfAborted();
    await waitAtMost(reading, DRAIN_MS);
    const { State } = inspected.parse(await container.inspect());
    return { code: State.ExitCode, outOfMemory: State.OOMKilled, timedOut, full, ...(await said(reading)) };
  } finally {
    clearTimeout(timer);
    ended.abort();
    await watch.close();
    done.abort();
  }
}

/** Reads on for as long as the container writes. @returns what came on stderr */
async function readOutput(
  attached: AsyncIterable<Buffer | string>,
  onOutput: (bytes: Buffer) => void,
): Promise<string> {
  let stderr = '';
  let since = performance.now();
  let read = 0;
  for await (const { to, bytes } of outputParts(attached)) {
    if (to === 'stdout') onOutput(bytes);
    else stderr = (stderr + bytes.toString('utf8')).slice(-STDERR);
    read += bytes.length;
    const spent = performance.now() - since;
    if (read > READ_BYTES && spent < 1_000) await pause(1_000 - spent, undefined, { ref: false });
    if (read > READ_BYTES) [read, since] = [0, performance.now()];
  }
  return stderr;
}

/** What its program has said last, and what else came. */
async function said(reading: Promise<string>): Promise<{ report: BuildReport | undefined; stderr: string }> {
  // It was cut off: so is what the program said.
  const text = await waitAtMost(reading, 0).catch(() => '');
  let report: BuildReport | undefined;
  const others: string[] = [];
  for (const line of (text === 'late' ? '' : text).split('\n')) {
    const parsed = readReport(line);
    if (parsed === undefined) others.push(line);
    else report = parsed;
  }
  return { report, stderr: others.join('\n').trim().slice(-2_048) };
}

function readReport(line: string): BuildReport | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return buildReport.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Kills the container, and tries again until it has ended. */
async function killWhen(wanted: AbortSignal, ended: AbortSignal, { container, log }: BuildRun): Promise<void> {
  const either = AbortSignal.any([wanted, ended]);
  if (!either.aborted)
    await new Promise<void>((resolve) => either.addEventListener('abort', () => resolve(), { once: true }));
  while (!ended.aborted) {
    try {
      await container.kill({ abortSignal: AbortSignal.timeout(ANSWER_MS) });
    } catch (error) {
      // It has ended, or is gone.
      if ([404, 409].includes(engineStatus(error) ?? 0)) return;
      log.warn('build container not killed yet', { problem: engineProblem(error) });
    }
    await pause(RETRY_MS, undefined, { ref: false, signal: ended }).catch(() => {});
  }
}

/**
 * Keeps what a build writes within its limits. Where the engine's files are on this machine, it is held to them as a session is to
 * its workspace. Elsewhere the engine is asked every other second, and files are not counted.
 */
async function watchDisk(run: BuildRun, onFull: (full: Full) => void): Promise<WorkspaceWatch> {
  const { docker, container, limits, log } = run;
  const { GraphDriver } = layer.parse(await container.inspect());
  const { DockerRootDir } = z.object({ DockerRootDir: z.string() }).parse(await docker.info());
  const upper = GraphDriver?.Name === 'overlay2' ? GraphDriver.Data?.['UpperDir'] : undefined;
  const ofLayer = upper === undefined ? undefined : await measureOf(upper, run);
  const asked: Measure = async () => ({ bytes: await writtenBytes(docker, container.id), files: 0 });
  return new WorkspaceWatch({
    folders: upper === undefined ? [] : [upper],
    limits,
    space: ofLayer === undefined ? ELSEWHERE : new FreeSpace(DockerRootDir),
    measure: ofLayer ?? asked,
    pause: async () => void (await container.pause({ abortSignal: AbortSignal.timeout(ANSWER_MS) })),
    resume: async () => {
      try {
        const { State } = await container.inspect({ abortSignal: AbortSignal.timeout(ANSWER_MS) });
        if (State.Paused) await container.unpause({ abortSignal: AbortSignal.timeout(ANSWER_MS) });
      } catch (error) {
        if (engineStatus(error) !== 404) throw error;
      }
    },
    onFull,
    onStillWriting: () => {},
    log,
  });
}

/** What measures a container's layer; undefined: it is not on this machine. The engine lets only root look at it. */
async function measureOf(upper: string, { measure, privileged }: BuildRun): Promise<Measure | undefined> {
  try {
    await readdir(upper);
    return measure;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EACCES' ? privileged : undefined;
  }
}

/** Nobody knows what is free there. `WorkspaceWatch` measures again after some time all the same. */
const NOWHERE: Space = { freeBytes: 0, availableBytes: 0, freeFiles: null };
const ELSEWHERE = {
  now: async () => NOWHERE,
  next: async () => await pause(POLL_MS, NOWHERE, { ref: false }),
};
