import * as z from 'zod';
import { wrapperLaunch } from '../wrapper/wrapper-launch.ts';

/** Where a build container finds what it is to do. */
export const BUILD_FILE = '/run/cc-docker/build.json';
/** Where `setup` is. Messages of bash name it. */
export const SETUP_FILE = '/run/cc-docker/setup';
/** The home of `setup`. It is in the image, and every user may read it: what installers put into a home is found by sessions. */
export const ENVIRONMENT_HOME = '/opt/environment';

/** `build.json`: all that the program in a build container needs. Only the runner writes it. */
export const buildLaunch = z.object({
  /** Its whole environment; nothing else is inherited. */
  env: z.record(z.string(), z.string()),
  /** There is a script to run. */
  setup: z.boolean(),
  egress: wrapperLaunch.shape.egress.unwrap(),
  /** The capabilities that it may have, as bits. None beside them. */
  capabilities: z.string().regex(/^[0-9a-f]{1,16}$/),
  /** It has a kernel of its own, where the host's seccomp and kernel files do not show. */
  own_kernel: z.boolean().optional(),
});
export type BuildLaunch = z.infer<typeof buildLaunch>;

/**
 * What the program says on stderr, a line of JSON each. What `setup` writes goes to stdout. `setup` is root in there, and may say
 * this itself: it is about nothing but its own image.
 */
export const buildReport = z.discriminatedUnion('report', [
  z.object({ report: z.literal('seal_broken'), detail: z.string() }),
  /** The program itself could not do its work. */
  z.object({ report: z.literal('failed'), detail: z.string() }),
  /** The image lacks programs that every session needs. */
  z.object({ report: z.literal('missing'), programs: z.array(z.string()).min(1) }),
  z.object({
    report: z.literal('setup_failed'),
    /** Null: a signal ended it. */
    code: z.int().nullable(),
    signal: z.string().nullable(),
    /** The line of the script, from 1; null: it is not known. */
    line: z.int().min(1).nullable(),
    /** The container could start no more processes at that time. */
    out_of_pids: z.boolean(),
  }),
  /** It could start no process for a while, and has given up. */
  z.object({ report: z.literal('out_of_pids') }),
  /** All went well. Variables that sessions of this image need. */
  z.object({ report: z.literal('done'), env: z.record(z.string(), z.string()) }),
]);
export type BuildReport = z.infer<typeof buildReport>;
