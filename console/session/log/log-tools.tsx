import { Button, IconButton } from '../../ui/button.tsx';
import type { Reader } from './reader.ts';

/** What lies over the log's corner: the way to the end, and the search. */
export function LogTools({ reader }: { readonly reader: Reader }) {
  if (reader.isAtEnd.value) return null;
  const toEnd = () => void reader.toEnd();
  return (
    <div class="log-tools">
      {reader.hasNew.value ? (
        <Button kind="primary" icon="down" onClick={toEnd}>
          New below
        </Button>
      ) : (
        <IconButton icon="down" label="To the end" onClick={toEnd} />
      )}
    </div>
  );
}
