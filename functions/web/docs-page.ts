import { html, raw } from 'hono/html';
import { PROBLEMS } from '../../protocol/api/problem.ts';
import { VERSION } from '../../protocol/version.ts';

/** The version of `swagger-ui-dist` (package.json): browsers keep what has it in its address. */
export const SWAGGER_UI = '5.35.0';

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1d2330;background:#fff}
header,section{max-width:1420px;margin:0 auto;padding:0 1.25rem}h1{font-size:1.6rem;margin-bottom:.2em}
code{font-family:ui-monospace,monospace;font-size:.9em}td{padding:.15rem .8rem .15rem 0;vertical-align:top}tr:target{background:#fff3c4}
.swagger-ui .info,.swagger-ui .scheme-container .schemes-title{display:none}`;

/** Begins the UI (swagger.io/docs/open-source-tools/swagger-ui/usage/configuration). Without `validatorUrl: null` it would show the document to another service. */
export const SCRIPT = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#calls',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayOperationId: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  validatorUrl: null,
});
// The list of codes is below the calls, which come later: go there once more.
addEventListener('load', () => document.querySelector(':target')?.scrollIntoView());
`;

/** The API for people. All that it loads comes from here; without scripts it still has the codes. */
export function docsPage() {
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
        <title>CC-Docker API</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/docs/swagger-ui.css?v=${SWAGGER_UI}" />
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <header>
          <h1>CC-Docker ${VERSION}</h1>
          <p>
            Every call under <code>/api/v1</code> wants <code>Authorization: Bearer &lt;JWT&gt;</code>; on this machine
            <code>npm run --silent token -- --sub me</code> prints one. Put it in by <i>Authorize</i>, and try the calls
            here. For tools: <a href="/openapi.json">/openapi.json</a>. Refused calls: <a href="#problems">codes</a>.
          </p>
        </header>
        <main id="calls"></main>
        <section id="problems">
          <h2>Why a call is refused</h2>
          <p>Each answer is <code>application/problem+json</code> with one of these codes.</p>
          <table>
            ${codes}
          </table>
        </section>
        <script src="/docs/swagger-ui-bundle.js?v=${SWAGGER_UI}"></script>
        <script src="/docs/docs.js"></script>
      </body>
    </html>`;
}
