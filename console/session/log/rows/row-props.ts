import type { Item } from '../../../transcript/item.ts';

/** Where a row stands. */
export interface LogPlace {
  readonly sessionId: string;
  /** Keys of the items that are opened. */
  readonly open: ReadonlySet<string>;
  readonly toggle: (key: string) => void;
  /** Goes to a path of the workspace; null: it is not there. */
  readonly hrefOfPath: (path: string) => string | null;
}

export interface RowProps<T extends Item = Item> {
  readonly item: T;
  readonly place: LogPlace;
}
