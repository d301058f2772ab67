import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { CDPSession, Page } from 'playwright-core';
import { bundleWorker, bundleWrapper } from '../../scripts/bundle.ts';
import { startBrowser } from '../../test/support/console/browser/browser.ts';
import { varied } from '../../test/support/console/prompts.ts';
import { signIn } from '../../test/support/console/sign-in.ts';
import { WIDTHS, type Width } from '../../test/support/console/widths.ts';
import { script } from '../../test/support/e2e/client.ts';
import { Service } from '../../test/support/e2e/service.ts';
import { lengthenLog } from '../lib/long-log.ts';
import { median } from '../lib/statistics.ts';

/**
 * The console in Debian's Chromium: how soon a session with a long log can be read, how it scrolls, and what an agent's words leave in
 * memory. They come as fast as they can: 20 words a second are 72,000 in an hour. The page keeps some 1,200 events, which is what it has
 * after the first hour of three.
 *
 * `node bench/rows/console.ts [--events 10000] [--rounds 5] [--words 216000]`
 */

const GOAL_PAINT_MS = 1000;
const GOAL_TASK_MS = 100;
const GOAL_GROWTH = 1.2;
/** Words of one message, and messages of a turn. */
const WORDS = 180;
const STEPS = 40;

/** Notes when the log is first to be read, and each task that keeps the page from answering. */
const WATCH = `
  window.longest = 0;
  new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) longest = Math.max(longest, duration); }).observe({ type: 'longtask' });
  const look = () => {
    const text = document.querySelector('[role=log] [id^=e]')?.innerText ?? '';
    if (text.trim() === '') requestAnimationFrame(look); else window.paintedAt = performance.now();
  };
  look();`;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
    words: { type: 'string', default: '216000' },
  },
});
process.exitCode = await measure(Number(values.events), Number(values.rounds), Number(values.words));

async function measure(events: number, rounds: number, words: number): Promise<number> {
  await Promise.all([bundleWorker(), bundleWrapper()]);
  const [service, { browser, stop }] = await Promise.all([Service.start({ backend: 'process' }), startBrowser()]);
  try {
    const token = await service.token('ada');
    const client = await service.client('ada');
    const id = await client.createSession();
    await client.ask(id, varied());
    await service.stopEdge();
    await lengthenLog(`${service.folder}/edge`, events);
    await service.startEdge();
    const open = async (width: Width) => {
      const context = await browser.newContext({ baseURL: service.url, ...WIDTHS[width] });
      await signIn(context, service.url, token);
      await context.addInitScript(WATCH);
      return await context.newPage();
    };
    let met = true;
    const row = (what: string, value: number, unit: string, goal: number) => {
      met &&= value <= goal;
      console.log(
        `${what}: ${value.toFixed(unit === '×' ? 2 : 0)} ${unit} (goal ${goal}: ${value <= goal ? 'met' : 'missed'})`,
      );
    };
    for (const width of ['phone', 'desk'] as const) {
      const paints: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const page = await open(width);
        await page.goto(`/sessions/${id}`);
        paints.push(await painted(page));
        await page.context().close();
      }
      row(
        `a session of ${events} events can be read, ${width}, median of ${rounds}`,
        median(paints),
        'ms',
        GOAL_PAINT_MS,
      );
      const page = await open(width);
      await page.goto(`/sessions/${id}`);
      await painted(page);
      row(`longest task while it scrolls, ${width}`, await scrolled(page), 'ms', GOAL_TASK_MS);
      await page.context().close();
    }
    const page = await open('phone');
    await page.goto(`/sessions/${id}`);
    await painted(page);
    const debug = await page.context().newCDPSession(page);
    const heaps: number[] = [];
    const turns = Math.ceil(words / (WORDS * STEPS));
    for (let turn = 0; turn < turns; turn += 1) {
      await client.ask(id, talk());
      heaps.push(await heapMb(debug));
      console.error(`· ${turn + 1} of ${turns}: ${heaps.at(-1)?.toFixed(1)} MB`);
    }
    const [first = Number.NaN] = heaps.slice(Math.floor(heaps.length / 3));
    row(
      `memory after ${words} words, against a third of them (${first.toFixed(1)} MB)`,
      (heaps.at(-1) ?? Number.NaN) / first,
      '×',
      GOAL_GROWTH,
    );
    return met ? 0 : 1;
  } finally {
    await stop();
    await service.stop();
  }
}

/** A turn of many messages, with a tool after each. */
function talk(): string {
  const step = [
    { text: 'word ', repeat: WORDS },
    { tool: 'Bash', input: { command: 'true' } },
  ];
  return script(...Array.from({ length: STEPS }, () => step).flat());
}

/** When the log could first be read, milliseconds after the navigation began. */
async function painted(page: Page): Promise<number> {
  // By looks: a condition that is a text is no code for the page's CSP.
  for (;;) {
    const at = await page.evaluate<number | null>('window.paintedAt ?? null');
    if (at !== null) return at;
    await pause(50);
  }
}

/** Scrolls up through the log as fast as a finger can, and then anywhere. @returns the longest task, milliseconds */
async function scrolled(page: Page): Promise<number> {
  await page.evaluate('longest = 0');
  const { width, height } = page.viewportSize() ?? { width: 0, height: 0 };
  await page.mouse.move(width / 2, height / 2);
  for (let turn = 0; turn < 100; turn += 1) {
    await page.mouse.wheel(0, -2 * height);
    await page.evaluate('new Promise(requestAnimationFrame)');
  }
  return await page.evaluate<number>('longest');
}

/** What is in use once all that is not has been collected. */
async function heapMb(debug: CDPSession): Promise<number> {
  await debug.send('HeapProfiler.collectGarbage');
  const { usedSize } = await debug.send('Runtime.getHeapUsage');
  return usedSize / 1024 / 1024;
}
