import type { Context } from 'hono';
import { html, raw } from 'hono/html';
import type { AppEnv } from '../../app-env.ts';

const STYLE = `body{font:17px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;color:#1a2030;background:#f6f7f9}
h1{font-size:1.3rem}a{display:inline-block;margin:.5rem 1rem 0 0;color:#2f55d4}p{overflow-wrap:anywhere}
@media(prefers-color-scheme:dark){body{background:#0f1217;color:#e7eaf0}a{color:#8fabff}}`;

/** Why somebody could not sign in with the provider, and what to do. It runs and loads nothing. */
export interface Fault {
  readonly status: 400 | 403 | 404 | 429 | 502;
  readonly title: string;
  readonly detail: string;
}

export function faultPage(c: Context<AppEnv>, { status, title, detail }: Fault) {
  const body = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <h1>${title}</h1>
        <p>${detail}</p>
        <p><a href="/">To the sign-in</a></p>
      </body>
    </html>`;
  return c.html(body, status);
}
