import { useShortcuts } from '../../shell/shortcuts.ts';
import type { Reader } from './reader.ts';

/** The keys of the log. */
export function useLogKeys(reader: Reader): void {
  useShortcuts('Log', [
    { keys: 'j', what: 'The next item', run: () => reader.move(1) },
    { keys: 'k', what: 'The item before', run: () => reader.move(-1) },
    { keys: 'Enter', what: 'Open or shut the item', run: () => reader.toggleCurrent() },
    { keys: 'g', what: 'To the beginning', run: () => void reader.toBeginning() },
    { keys: 'G', what: 'To the end', run: () => void reader.toEnd() },
    { keys: '/', what: 'Find in the log', run: () => void (reader.isFinding.value = true) },
  ]);
}
