import type { Resources } from '../../../protocol/api/session/session-config.ts';

/** The sizes that Fargate has: CPU units (1024 are a core), and memory in MiB from, to, in steps of. */
const FARGATE_SIZES = [
  { cpu: 256, memory: [512, 1024, 2048] },
  { cpu: 512, memory: steps(1024, 4096, 1024) },
  { cpu: 1024, memory: steps(2048, 8192, 1024) },
  { cpu: 2048, memory: steps(4096, 16_384, 1024) },
  { cpu: 4096, memory: steps(8192, 30_720, 1024) },
  { cpu: 8192, memory: steps(16_384, 61_440, 4096) },
  { cpu: 16_384, memory: steps(32_768, 122_880, 8192) },
] as const;

/** What the porter beside the session needs: it keeps bytes in flight, and reads files in parts. MiB. */
const PORTER_MEMORY_MB = 256;
/** What a task's storage holds beside the session's files: the image, unpacked, and what the porter keeps. GiB. */
const IMAGE_GIB = 10;
/** What Fargate gives without being asked, and the least and the most that may be asked for. GiB. */
const FARGATE_STORAGE = { given: 20, least: 21, most: 200 };

export interface TaskSize {
  /** CPU units of the task. */
  cpu: number;
  /** MiB of the task. */
  memory: number;
  /** MiB of the session's container: its limit. */
  sessionMemory: number;
  /** GiB of storage to ask for; undefined: what Fargate gives is enough, or the machine's disk is used. */
  storageGib: number | undefined;
}

/** The least size that has what the session may use, beside the porter; undefined: there is none so large. */
export function fargateSize({ cpus, memory_mb, workspace_mb }: Resources): TaskSize | undefined {
  const needed = { cpu: cpus * 1024, memory: memory_mb + PORTER_MEMORY_MB };
  const storageGib = storageOf(workspace_mb);
  if (storageGib !== undefined && storageGib > FARGATE_STORAGE.most) return undefined;
  for (const { cpu, memory } of FARGATE_SIZES) {
    if (cpu < needed.cpu) continue;
    const enough = memory.find((mb) => mb >= needed.memory);
    if (enough !== undefined) return { cpu, memory: enough, sessionMemory: memory_mb, storageGib };
  }
  return undefined;
}

/** On machines of one's own each size is possible. */
export function ec2Size({ cpus, memory_mb }: Resources): TaskSize {
  const cpu = Math.max(128, Math.ceil(cpus * 1024));
  return { cpu, memory: memory_mb + PORTER_MEMORY_MB, sessionMemory: memory_mb, storageGib: undefined };
}

/** GiB of a volume for the session's files alone. */
export function volumeGib({ workspace_mb }: Resources): number {
  return Math.max(1, Math.ceil((workspace_mb ?? 0) / 1024));
}

function storageOf(workspaceMb: number | null): number | undefined {
  const gib = Math.ceil((workspaceMb ?? 0) / 1024) + IMAGE_GIB;
  return gib <= FARGATE_STORAGE.given ? undefined : Math.max(FARGATE_STORAGE.least, gib);
}

function steps(from: number, to: number, by: number): readonly number[] {
  return Array.from({ length: (to - from) / by + 1 }, (_, index) => from + index * by);
}
