import type { BrowserContext } from 'playwright-core';
import { expect } from 'vitest';

const PAGE_KEY = 'of-a-page-in-a-test';

/** Signs a browser in by the cookie, as the sign-in page does it. */
export async function signIn(context: BrowserContext, origin: string, token: string): Promise<void> {
  // The cookie is bound to the page's key.
  await context.addInitScript(
    `if (location.origin === '${origin}') localStorage.setItem('cc-docker.page-key', '${PAGE_KEY}')`,
  );
  const headers = { authorization: `Bearer ${token}`, origin, 'x-cc-docker-console': PAGE_KEY };
  const answer = await context.request.post('/api/v1/console/session', { headers });
  expect(answer.status(), 'the sign-in').toBe(201);
}
