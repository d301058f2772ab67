import { savedName } from '../../safe/image/bytes-of.ts';
import { doing } from '../load/doing.ts';

/** Up to this size, bytes, a file comes through the page, which can say why where that fails. */
const MOST_IN_PAGE = 32 * 1024 * 1024;
/** After this the browser has surely taken what it was given; it does not say when. Milliseconds. */
const TAKEN_MS = 60_000;

interface Source {
  /** What it is saved as, whatever characters are in it. */
  readonly name: string;
  /** Bytes; null: nobody knows. */
  readonly size: number | null;
  readonly read: () => Promise<Response>;
  /** From where the browser loads it by itself. */
  readonly address: () => Promise<string>;
}

/** Saves a file on the person's machine. A large one goes straight to its disk. */
export async function save({ name, size, read, address }: Source): Promise<void> {
  await doing(async () => {
    if (size === null || size > MOST_IN_PAGE) download(await address(), name);
    else saveBytes(name, await (await read()).arrayBuffer());
  });
}

/** Saves what the page has. */
export function saveBytes(name: string, bytes: ArrayBuffer | string): void {
  // A browser that opens it in place of saving it sees bytes, not a document.
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  download(url, name);
  setTimeout(() => URL.revokeObjectURL(url), TAKEN_MS);
}

function download(href: string, name: string): void {
  const link = document.createElement('a');
  link.href = href;
  link.download = savedName(name, 'file');
  link.click();
}
