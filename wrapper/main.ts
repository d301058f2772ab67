import { readFileSync } from 'node:fs';
import { type WrapperLaunch, wrapperLaunch } from '../protocol/wrapper-launch.ts';
import { Conversation } from './conversation.ts';

/** `node wrapper.mjs LAUNCH_JSON`: runs one epoch, and exits 0 when all that was said in it is safe. */

function readLaunch(path: string | undefined): WrapperLaunch {
  if (path === undefined) throw new Error('usage: node wrapper.mjs LAUNCH_JSON');
  const parsed = wrapperLaunch.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`${path}: ${problems.join('; ')}`);
}

function fail(error: unknown): never {
  console.error(`cc-docker wrapper: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

let launch: WrapperLaunch;
try {
  launch = readLaunch(process.argv[2]);
} catch (error) {
  fail(error);
}
const conversation = new Conversation(launch);
const stop = (): void => {
  conversation.stop();
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
// Also after an error that nobody caught: `claude` does not outlive its wrapper.
process.on('exit', () => {
  conversation.kill();
});
const lost = await conversation.ended;
if (lost > 0) console.error(`cc-docker wrapper: ${lost} items were not acknowledged in time`);
process.exit(0);
