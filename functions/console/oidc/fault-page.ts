import type { Context } from 'hono';
import { html } from 'hono/html';
import type { AppEnv } from '../../app-env.ts';
import { plainPage } from '../../web/plain-page.ts';

/** Why somebody could not sign in with the provider, and what to do. */
export interface Fault {
  readonly status: 400 | 403 | 404 | 429 | 502;
  readonly title: string;
  readonly detail: string;
}

export function faultPage(c: Context<AppEnv>, { status, title, detail }: Fault) {
  const body = html`<h1>${title}</h1>
    <p>${detail}</p>
    <p><a href="/">To the sign-in</a></p>`;
  return c.html(plainPage({ title, body }), status);
}
