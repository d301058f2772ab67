/** How many characters of an id are shown. Its end, because the beginning of a UUIDv7 is its time. */
const SHOWN = 8;

/** The end of an id, which tells it from others. */
export function shortId(id: string): string {
  return id.slice(-SHOWN);
}
