/** An image that this runner has made. */
export interface StoredImage {
  id: string;
  /** What it takes beside the images that it is made of, bytes. */
  bytes: number;
  /** When a session started from it last, or it was made, milliseconds. */
  usedAt: number;
}

export interface StoreBounds {
  /** Not used for so long: it goes. 0: never for that. */
  keepMs: number;
  /** All together may take so much, bytes. 0: any. */
  storeBytes: number;
}

/** A start may have found it, and not have made its container yet, milliseconds. */
const FRESH_MS = 10 * 60_000;

/** Which images are to go, the one that was used longest ago first. Pure. */
export function garbage(
  images: readonly StoredImage[],
  { keepMs, storeBytes }: StoreBounds,
  now: number,
): StoredImage[] {
  let sum = images.reduce((bytes, image) => bytes + image.bytes, 0);
  return images
    .filter(({ usedAt }) => now - usedAt > FRESH_MS)
    .toSorted((a, b) => a.usedAt - b.usedAt)
    .filter(({ usedAt, bytes }) => {
      const goes = (keepMs > 0 && now - usedAt > keepMs) || (storeBytes > 0 && sum > storeBytes);
      if (goes) sum -= bytes;
      return goes;
    });
}
