import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { WAIT_MS } from '../../patience.ts';
import { nodeEnvironment } from '../../run/node-environment.ts';
import { steadyNetwork } from './steady-network.ts';

/** Starts the one that Debian has. Nothing is downloaded. */
const CHROMIUM = path.join(import.meta.dirname, '../../client/chromium.sh');

const FLAGS = [
  // As root there is no sandbox. It opens pages of ours alone.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  // Whatever a page asks for, no name but this machine's has an address.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost',
];

/** Debian's Chromium with a home of its own. `stop` ends it and removes that. */
export interface RunningBrowser {
  readonly browser: Browser;
  readonly stop: () => Promise<void>;
}

/** Starts it: two CPU seconds, so a file of tests has one. */
export async function startBrowser(): Promise<RunningBrowser> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-browser-'));
  const env = { ...nodeEnvironment(), HOME: home, ...(await steadyNetwork(home)) };
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, env, timeout: WAIT_MS });
  const stop = async () => {
    await browser.close();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  };
  return { browser, stop };
}
