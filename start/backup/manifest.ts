import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { instant } from '../../protocol/ids.ts';

/** The parts of a data folder that a backup may have, each a path in it. */
export const PARTS = ['edge', 'development-secret', 'runner'] as const;

/** `backup.json`, which is written last: without it a backup is not whole. */
const manifest = z.object({
  /** Of the backup's own form. */
  format: z.literal(1),
  /** The CC-Docker that made it. */
  version: z.string(),
  made_at: instant,
  /** How long the edge stood still, milliseconds; 0: it did not run. */
  paused_ms: z.number(),
  parts: z.array(z.enum(PARTS)),
  /** How many objects of each class the edge had. */
  objects: z.record(z.string(), z.int()),
  files: z.int(),
  bytes: z.int(),
  /** Where snapshots and artifacts are that are not in it; null: they are in it, or another machine's runner has them. */
  storage_elsewhere: z.string().nullable().default(null),
  /** Files of sessions that could not be read. */
  skipped: z.array(z.string()),
});
export type Manifest = z.infer<typeof manifest>;

export const MANIFEST = 'backup.json';

/** The manifest of a backup; null: it is none, or was cut off. @throws when it is of another form */
export function readManifest(folder: string): Manifest | null {
  const file = path.join(folder, MANIFEST);
  return existsSync(file) ? manifest.parse(JSON.parse(readFileSync(file, 'utf8'))) : null;
}

/** How many objects of each class are in an edge's folder. */
export function objectsIn(edge: string): Record<string, number> {
  const folder = path.join(edge, 'do');
  if (!existsSync(folder)) return {};
  const counts = readdirSync(folder).map((name): [string, number] => [
    name.replace(/^cc-docker-/, ''),
    readdirSync(path.join(folder, name)).filter((file) => /^[0-9a-f]{64}\.sqlite$/.test(file)).length,
  ]);
  return Object.fromEntries(counts);
}
