import { useState } from 'preact/hooks';
import { SafeText } from './safe-text.tsx';
import { ShownText } from './text/shown-text.tsx';
import { cutAt } from './text/visible.ts';
import './safe.css';

/** Entries of one value that are shown at once. */
const STEP = 100;

/** JSON as a tree: the first level is open, and the rest is made when it is opened, so that its depth costs nothing. */
export function Json({ value }: { readonly value: unknown }) {
  return (
    <div class="safe-json">
      <Value value={value} open />
    </div>
  );
}

function Value({ value, open = false }: { readonly value: unknown; readonly open?: boolean }) {
  if (typeof value === 'string') return <SafeText text={value} max={500} />;
  if (typeof value === 'object' && value !== null) return <Folded value={value} open={open} />;
  return <span class="safe-json-plain">{String(value)}</span>;
}

function Folded({ value, open }: { readonly value: object; readonly open: boolean }) {
  const [isOpen, setOpen] = useState(open);
  const [max, setMax] = useState(STEP);
  const keys = Object.keys(value);
  if (keys.length === 0) return <span class="safe-json-plain">{Array.isArray(value) ? '[]' : '{}'}</span>;
  const size = Array.isArray(value) ? `[${keys.length}]` : `{${keys.length}}`;
  return (
    <>
      <button type="button" class="safe-json-fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? '▾' : '▸'} {size}
      </button>
      {isOpen && (
        <ul class="safe-json-list">
          {keys.slice(0, max).map((key) => (
            <li key={`.${key}`}>
              <bdi class="safe-json-key">
                <ShownText text={cutAt(key, 200)} line />
                {key.length > 200 && '…'}:
              </bdi>{' '}
              <Value value={valueOf(value, key)} />
            </li>
          ))}
          {keys.length > max && (
            <li>
              <button type="button" class="safe-more" onClick={() => setMax(max * 4)}>
                Show more ({keys.length - max} entries)
              </button>
            </li>
          )}
        </ul>
      )}
    </>
  );
}

/** The entry itself, whatever its name: a prototype's are not asked. */
function valueOf(value: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}
