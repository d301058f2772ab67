import { Code } from '../../safe/code.tsx';
import { FileName } from '../../safe/file-name.tsx';
import { Json } from '../../safe/json.tsx';
import { SafeLink } from '../../safe/safe-link.tsx';
import { SafeText } from '../../safe/safe-text.tsx';
import { textOf } from '../../safe/text/text-of.ts';
import { later } from '../../loading/later.tsx';
import type { ToolPart, ToolView } from './tool-view.ts';

const Markdown = later('plan', () => import('../../safe/markdown/markdown.tsx').then((file) => file.Markdown));
const Diff = later('change', () => import('../../safe/diff/diff.tsx').then((file) => file.Diff));

/** What a tool is to be used for, all of it, in the way that a person can judge. */
export function ToolInput({ view }: { readonly view: ToolView }) {
  return (
    <div class="ask-tool">
      {view.parts.map((part, index) => (
        <Part key={index} part={part} />
      ))}
    </div>
  );
}

function Part({ part }: { readonly part: ToolPart }) {
  switch (part.kind) {
    case 'command':
      return <Code text={part.text} language="Command" />;
    case 'change':
      return <Diff before={part.before} after={part.after} path={part.path} />;
    case 'file':
      return (
        <>
          <p class="ask-path">
            <FileName path={part.path} />
          </p>
          <Code text={part.content} language="All of the file" />
        </>
      );
    case 'path':
      return (
        <p class="ask-path">
          <FileName path={part.path} />
        </p>
      );
    case 'address':
      return (
        <p class="ask-path">
          <SafeLink href={part.url} />
        </p>
      );
    case 'text':
      return (
        <p class="ask-note">
          <SafeText text={part.text} max={600} />
        </p>
      );
    case 'plan':
      return (
        <div class="ask-plan">
          <Markdown text={part.markdown} />
        </div>
      );
    case 'rest':
    default:
      return <Fields fields={part.fields} />;
  }
}

/** Each by its name: what is plain on its line, what is nested as a tree. */
function Fields({ fields }: { readonly fields: Readonly<Record<string, unknown>> }) {
  return (
    <dl class="ask-fields">
      {Object.entries(fields).map(([name, value]) => (
        <div key={name}>
          <dt>
            <SafeText text={name} line max={200} />
          </dt>
          <dd>
            {typeof value === 'object' && value !== null ? <Json value={value} /> : <SafeText text={textOf(value)} />}
          </dd>
        </div>
      ))}
    </dl>
  );
}
