import { html, raw } from 'hono/html';

const STYLE = `body{font:17px/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem;color:#1d2330;background:#fff}
h1{font-size:1.3rem}p{overflow-wrap:anywhere}a{color:#2f55d4}
@media(prefers-color-scheme:dark){body{background:#14171d;color:#dfe3ea}a{color:#8fabff}}`;

export type Html = ReturnType<typeof html>;

interface PlainPage {
  readonly title: string;
  readonly body: Html;
  /** CSS besides that of all plain pages. */
  readonly style?: string;
  /** After how many seconds the browser asks again. */
  readonly refreshSeconds?: number;
}

/** A page for people outside the console: it runs no script, loads nothing, and no search engine keeps it. */
export function plainPage({ title, body, style = '', refreshSeconds }: PlainPage): Html {
  const refresh =
    refreshSeconds === undefined ? '' : html`<meta http-equiv="refresh" content="${Math.ceil(refreshSeconds)}" />`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta name="robots" content="noindex" />
        ${refresh}
        <title>${title}</title>
        <style>
          ${raw(STYLE + style)}
        </style>
      </head>
      <body>
        ${body}
      </body>
    </html>`;
}

/** A plain page that says one thing. */
export function noticePage(title: string, detail: string, refreshSeconds?: number): Html {
  const body = html`<h1>${title}</h1>
    <p>${detail}</p>`;
  return plainPage({ title, body, ...(refreshSeconds !== undefined && { refreshSeconds }) });
}
