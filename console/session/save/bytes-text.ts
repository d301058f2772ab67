const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A size for people: `1 byte`, `812 bytes`, `4.2 KiB`, `37 MiB`. */
export function bytesText(bytes: number): string {
  if (bytes === 1) return '1 byte';
  const unit = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const size = bytes / 1024 ** unit;
  return `${unit === 0 || size >= 10 ? Math.round(size) : Math.round(size * 10) / 10} ${UNITS[unit]}`;
}
