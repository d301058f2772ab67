import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { bundleWorker, bundleWrapper } from '../bundle.ts';
import { PROJECT } from '../../start/lib/project.ts';
import { ConsoleScene } from '../../test/support/console/console-scene.ts';
import { startAgents } from './agents.ts';
import { takePictures } from './take.ts';

/**
 * Makes the pictures of README from the real console, in Debian's Chromium: `node scripts/screenshots/main.ts [FOLDER]`, by default
 * where README has them. CI makes them, too (`test/real/console/pages.test.ts`), and looks at none.
 */
const folder = process.argv[2] ?? path.join(PROJECT, 'docs', 'pictures');
await mkdir(folder, { recursive: true });
await Promise.all([bundleWorker(), bundleWrapper()]);
const scene = await ConsoleScene.start();
try {
  for (const file of await takePictures(await scene.place(), await startAgents(scene), folder)) console.log(file);
} finally {
  await scene.stop();
}
