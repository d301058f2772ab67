import { html, raw } from 'hono/html';
import { PROBLEMS } from '../../protocol/api/problem.ts';

/** What the page uses of an OpenAPI document. */
export interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string };
  readonly paths?: Readonly<Record<string, object>>;
}

interface Operation {
  readonly summary?: string;
  readonly requestBody?: unknown;
  readonly parameters?: unknown;
  readonly responses?: unknown;
  readonly security?: readonly { readonly bearer?: readonly string[] }[];
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2330}
h1{font-size:1.6rem}code,pre,summary b{font-family:ui-monospace,monospace;font-size:.9em}pre{background:#f4f5f8;padding:1rem;overflow:auto}
details{border:1px solid #d9dce3;border-radius:.4rem;margin:.4rem 0;padding:.4rem .8rem}summary{cursor:pointer}
summary b{display:inline-block;min-width:4.2rem}td{padding:.15rem .8rem .15rem 0;vertical-align:top}
@media(prefers-color-scheme:dark){body{background:#14171d;color:#dfe3ea}pre{background:#1d2129}details{border-color:#343a46}a{color:#8ab4ff}}`;

/** The API for people: one page made from the OpenAPI document, which loads nothing from elsewhere. */
export function docsPage(document: ApiDocument) {
  const calls = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => call(method, path, operation as Operation)),
  );
  const codes = Object.entries(PROBLEMS).map(
    ([code, [status, title]]) =>
      html`<tr id="problem-${code}">
        <td><code>${code}</code></td>
        <td>${status}</td>
        <td>${title}</td>
      </tr>`,
  );
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${document.info.title} API</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <h1>${document.info.title} ${document.info.version}</h1>
        <p>
          Every call under <code>/api/v1</code> wants <code>Authorization: Bearer &lt;JWT&gt;</code>; on this machine
          <code>npm run --silent token -- --sub me</code> prints one. Machine-readable:
          <a href="/openapi.json">/openapi.json</a>.
        </p>
        <h2>Calls</h2>
        ${calls}
        <h2>Errors</h2>
        <p>Each is <code>application/problem+json</code> with one of these codes.</p>
        <table>
          ${codes}
        </table>
      </body>
    </html>`;
}

function call(method: string, path: string, { summary, requestBody, parameters, responses, security = [] }: Operation) {
  const scopes = security.flatMap(({ bearer = [] }) => bearer).join(' ');
  const shape = JSON.stringify({ parameters, requestBody, responses }, null, 2);
  return html`<details>
    <summary><b>${method.toUpperCase()}</b> <code>${path}</code> — ${summary ?? ''} <code>${scopes}</code></summary>
    <pre>${shape}</pre>
  </details>`;
}
