import { render } from 'preact';
import '../../../../console/styles/base.css';
import { Ansi } from '../../../../console/safe/ansi/ansi.tsx';
import { Code } from '../../../../console/safe/code.tsx';
import { Diff } from '../../../../console/safe/diff/diff.tsx';
import { FileName } from '../../../../console/safe/file-name.tsx';
import { Json } from '../../../../console/safe/json.tsx';
import { Markdown } from '../../../../console/safe/markdown/markdown.tsx';
import { SafeImage } from '../../../../console/safe/safe-image.tsx';
import { SafeLink } from '../../../../console/safe/safe-link.tsx';
import { SafeText } from '../../../../console/safe/safe-text.tsx';
import { textOf } from '../../../../console/safe/text/text-of.ts';
import { visibleText } from '../../../../console/safe/text/visible.ts';

/** Each way in which the console shows what an agent wrote. */
const VIEWS = {
  text: (payload) => <SafeText text={payload} />,
  line: (payload) => <SafeText text={payload} line />,
  attribute: (payload) => <span title={visibleText(payload)}>{visibleText(payload)}</span>,
  markdown: (payload) => <Markdown text={payload} hrefOfPath={(path) => `/sessions/1/files?path=${path}`} />,
  live: (payload) => <Markdown text={payload} live />,
  terminal: (payload) => <Ansi text={payload} />,
  code: (payload) => <Code text={payload} language={payload} />,
  patch: (payload) => <Diff patch={payload} />,
  patched: (payload) => (
    <Diff patch={`--- a/${payload}\n+++ b/${payload}\n@@ -1 +1 @@ ${payload}\n-${payload}\n+${payload}`} />
  ),
  compared: (payload) => <Diff before={payload} after={`${payload.slice(1)}x`} path={payload} />,
  file: (payload) => <FileName path={payload} />,
  fileShort: (payload) => <FileName path={`a/${payload}`} short />,
  link: (payload) => <SafeLink href={payload} />,
  linkText: (payload) => <SafeLink href={`https://a.example/${payload.slice(0, 1000)}`}>{payload}</SafeLink>,
  image: (payload) => <SafeImage mediaType="image/png" base64={payload} name={payload} />,
  imageType: (payload) => <SafeImage mediaType={payload} base64="iVBORw0KGgo=" name={payload} />,
  json: (payload) => <Json value={JSON.parse(JSON.stringify({ [payload]: payload, list: [payload] }))} />,
  field: (payload) => <SafeText text={textOf({ [payload]: [payload] })} />,
};

const root = document.createElement('main');
document.body.append(root);

/** Draws payloads in all views, or in some, each in a box of its own, and says when the browser has drawn them. */
globalThis.show = async (payloads, names = Object.keys(VIEWS)) => {
  render(null, root);
  render(
    payloads.map((payload, index) => (
      <section key={index}>
        {names.map((name) => (
          <div key={name} data-view={name}>
            {VIEWS[name](payload)}
          </div>
        ))}
      </section>
    )),
    root,
  );
  await drawn();
};

/** The text of a view, for each payload. */
globalThis.markupIn = (view) => [...root.querySelectorAll(`[data-view="${view}"]`)].map((element) => element.innerHTML);
globalThis.textIn = (view) => [...root.querySelectorAll(`[data-view="${view}"]`)].map((element) => element.textContent);

function drawn() {
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}
