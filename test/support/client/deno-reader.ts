import process from 'node:process';
import { readThrough, type ReadThrough } from './read-through.ts';

/** Deno runs it: reads a log, as its argument says, and prints it. */
const events = await readThrough(JSON.parse(process.argv[2] ?? '') as ReadThrough);
process.stdout.write(JSON.stringify(events));
