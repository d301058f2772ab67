import type { BrowserContext } from 'playwright-core';

/** Signs a browser in. @param token a user's */
export async function signIn(context: BrowserContext, token: string): Promise<void> {
  await context.setExtraHTTPHeaders({ authorization: `Bearer ${token}` });
}
