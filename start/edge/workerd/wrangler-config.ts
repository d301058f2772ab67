import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'smol-toml';
import * as z from 'zod';
import { PROJECT } from '../../lib/project.ts';

/** The parts of `wrangler.toml` that the edge needs here. Not Wrangler's own parser: it takes a second to load. */
const wranglerConfig = z
  .object({
    /** Part of every object's identity: with another name, all objects are new and empty. */
    name: z.string(),
    compatibility_date: z.string(),
    compatibility_flags: z.array(z.string()).default([]),
    durable_objects: z.object({
      bindings: z.array(z.strictObject({ name: z.string(), class_name: z.string() })),
    }),
    // Strict: another kind of migration moves or deletes data, and must not be ignored.
    migrations: z.array(z.strictObject({ tag: z.string(), new_sqlite_classes: z.array(z.string()) })),
    vars: z.record(z.string(), z.string()).default({}),
  })
  .refine(
    ({ durable_objects, migrations }) => {
      const stored = new Set(migrations.flatMap((migration) => migration.new_sqlite_classes));
      return durable_objects.bindings.every(({ class_name }) => stored.has(class_name));
    },
    { error: 'every class in durable_objects must be in new_sqlite_classes of a migration' },
  );

export type WranglerConfig = z.infer<typeof wranglerConfig>;

/** @throws when the file is missing, or has content that is not supported here */
export function readWranglerConfig(file: string = path.join(PROJECT, 'wrangler.toml')): WranglerConfig {
  return wranglerConfig.parse(parse(readFileSync(file, 'utf8')));
}
