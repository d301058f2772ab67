import type { BrowserContext } from 'playwright-core';

/** Signs a browser in, as the console's page does. @param token a user's */
export async function signIn(context: BrowserContext, origin: string, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, origin, 'x-cc-docker-console': '1' };
  const answer = await context.request.post(`${origin}/api/v1/console/session`, { headers });
  if (answer.status() !== 201) throw new Error(`no sign-in: ${answer.status()} ${await answer.text()}`);
}
