import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { bundleWorker, bundleWrapper } from '../bundle.ts';
import { PROJECT } from '../../start/lib/project.ts';
import { startBrowser } from '../../test/support/console/browser/browser.ts';
import { Service } from '../../test/support/e2e/service.ts';
import { startAgents } from './agents.ts';
import { takePictures } from './take.ts';

/**
 * Makes the pictures of README from the real console, in Debian's Chromium: `node scripts/screenshots/main.ts [FOLDER]`, by default
 * where README has them. CI makes them, too (`test/real/console/pages.test.ts`), and looks at none.
 */
const folder = process.argv[2] ?? path.join(PROJECT, 'docs', 'pictures');
await mkdir(folder, { recursive: true });
await Promise.all([bundleWorker(), bundleWrapper()]);
const [service, { browser, stop }] = await Promise.all([Service.start({ backend: 'process' }), startBrowser()]);
try {
  const place = { browser, url: service.url, token: await service.token('ada') };
  for (const file of await takePictures(place, await startAgents(await service.client('ada')), folder))
    console.log(file);
} finally {
  await stop();
  await service.stop();
}
