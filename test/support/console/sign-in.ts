import type { BrowserContext } from 'playwright-core';

const PAGE_KEY = 'of-a-page-in-a-test';

/** Signs a browser in, as the console's page does. @param token a user's */
export async function signIn(context: BrowserContext, origin: string, token: string): Promise<void> {
  // The cookie is bound to the page's key.
  await context.addInitScript(
    `if (location.origin === '${origin}') localStorage.setItem('cc-docker.page-key', '${PAGE_KEY}')`,
  );
  const headers = { authorization: `Bearer ${token}`, origin, 'x-cc-docker-console': PAGE_KEY };
  const answer = await context.request.post(`${origin}/api/v1/console/session`, { headers });
  if (answer.status() !== 201) throw new Error(`no sign-in: ${answer.status()} ${await answer.text()}`);
}
