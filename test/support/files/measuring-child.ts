import { readFileSync } from 'node:fs';
import { measureWith } from '../../../runner/lib/disk/usage.ts';
import { createLog } from '../../../runner/lib/log.ts';

/** A runner that is not root: measures folders. Its plan comes on standard input. */
const { folders, engine }: { folders: string[]; engine: 'answers' | 'is away' } = JSON.parse(readFileSync(0, 'utf8'));

const lines: string[] = [];
const measure = measureWith({
  privileged: async () => {
    if (engine === 'is away') throw new Error('the engine is away');
    return await Promise.resolve({ bytes: 1, files: 1 });
  },
  log: createLog('debug', (line) => lines.push(line)),
});
const usage = await measure(folders);
await measure(folders);
process.stdout.write(JSON.stringify({ uid: process.getuid?.(), usage, lines }));
