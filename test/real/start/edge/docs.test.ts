import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TokenType } from '../../../../protocol/token.ts';
import { signingKey } from '../../../../protocol/token-keys.ts';
import { WORKER_BUNDLE } from '../../../../scripts/bundle.ts';
import { startEdge, type Edge } from '../../../../start/edge/edge.ts';
import { Chromium, hasChromium } from '../../../support/client/chromium.ts';
import { atMost } from '../../../support/patience.ts';

/** The page of the API in a real browser, from the edge on workerd. */

const JWT_SECRET = 'known to this test alone and of no use elsewhere';
let folder: string;
let edge: Edge;
let page: Chromium | undefined;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-docs-'));
  edge = await startEdge({
    worker: WORKER_BUNDLE,
    host: '127.0.0.1',
    port: 0,
    stateFolder: path.join(folder, 'edge'),
    vars: { JWT_SECRET, ACCESS_LOG: 'off' },
  });
  if (hasChromium()) page = await Chromium.open(`${edge.url}/docs`);
}, atMost(60));
afterAll(async () => {
  await page?.stop();
  await edge.stop();
  await rm(folder, { recursive: true, force: true });
});

const token = async () =>
  new SignJWT({ sub: 'alice', scope: 'sessions:read' })
    .setProtectedHeader({ alg: 'HS256', typ: TokenType.user })
    .setExpirationTime('5m')
    .sign(await signingKey({ JWT_SECRET }, 'user'));

/** Resolves when the page has what the expression looks for. */
async function shown(page: Chromium, expression: string): Promise<void> {
  await expect.poll(async () => await page.evaluate(`Boolean(${expression})`), { timeout: atMost(20) }).toBe(true);
}

async function click(page: Chromium, selector: string): Promise<void> {
  await shown(page, `document.querySelector(${JSON.stringify(selector)})`);
  await page.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
}

test('the page has every call, and one is tried there with a token; nothing is asked of anybody else', async ({
  skip,
}) => {
  if (page === undefined) {
    skip('chromium is not installed');
    return;
  }
  const document = (await (await fetch(`${edge.url}/openapi.json`)).json()) as { paths: Record<string, object> };
  const calls = Object.values(document.paths).flatMap((methods) => Object.keys(methods)).length;
  await shown(page, `document.querySelectorAll('.opblock').length === ${calls}`);

  await click(page, '.auth-wrapper .authorize');
  await shown(page, `document.querySelector('#auth-bearer-value')`);
  await page.evaluate(`{
    const input = document.querySelector('#auth-bearer-value');
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, ${JSON.stringify(await token())});
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }`);
  await click(page, '.modal-ux .auth-btn-wrapper .authorize');
  await click(page, '.modal-ux .close-modal');
  const call = '#operations-Sessions-listSessions';
  await click(page, `${call} .opblock-summary-control`);
  await click(page, `${call} .try-out__btn`);
  await click(page, `${call} .execute`);
  await shown(page, `document.querySelector('${call} .live-responses-table tbody .response-col_status')`);
  const status = await page.evaluate(
    `document.querySelector('${call} .live-responses-table tbody .response-col_status').textContent`,
  );
  expect(status).toMatch(/^200/);

  const asked = (await page.evaluate(`performance.getEntriesByType('resource').map(({ name }) => name)`)) as string[];
  expect(asked).toContainEqual(expect.stringContaining(`${edge.url}/api/v1/sessions?`));
  expect(asked.filter((url) => !url.startsWith(`${edge.url}/`) && !url.startsWith('data:'))).toEqual([]);
  expect(await page.evaluate('localStorage.length + document.cookie.length')).toBe(0);
});
