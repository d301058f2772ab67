import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { PROJECT } from '../../start/lib/project.ts';

/** Draws the console's icons from `icon.svg` in the sizes that platforms ask for. Run by hand when that changes: the pictures are committed. */

const FOLDER = path.join(PROJECT, 'console/installable');
/** What is cut off of a maskable icon by some platforms is not of the picture: it stands in the middle, on its ground. */
const MASKABLE = 0.78;

const svg = await readFile(path.join(FOLDER, 'icon.svg'), 'utf8');
const square = svg.replace('rx="112" ', '');
/** For the bar of a phone, which takes the shape alone, and gives it a colour. */
const badge = svg
  .replace(/<rect[^>]*>/, '')
  .replaceAll('fill="#fff"', 'fill="none" stroke="#fff" stroke-width="36"')
  .replaceAll('#2f55d4', '#fff');

await mkdir(FOLDER, { recursive: true });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
await draw('icon-192.png', svg, 192);
await draw('icon-512.png', svg, 512);
await draw(
  'maskable-512.png',
  square
    .replace('<path', `<g transform="translate(256 256) scale(${MASKABLE}) translate(-256 -256)"><path`)
    .replace('</svg>', '</g></svg>'),
  512,
);
await draw('apple-touch-icon.png', square, 180);
await draw('badge-96.png', badge, 96);
await browser.close();

async function draw(name: string, picture: string, size: number): Promise<void> {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${picture}`);
  await writeFile(path.join(FOLDER, name), await page.screenshot({ omitBackground: true }));
  await page.close();
}
