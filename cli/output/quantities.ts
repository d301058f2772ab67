const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const;

/** A time as people say it, from now: `12s`, `3m`, `5h`, `2d`. @param ms how long, never negative */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ['s', 1];
  return `${Math.floor(seconds / size)}${unit}`;
}

/** How long ago an instant was, as `duration`. @param now epoch milliseconds */
export function ago(instant: string, now: number): string {
  return duration(now - Date.parse(instant));
}

/** A cost in dollars. */
export function dollars(usd: number): string {
  return `$${usd < 0.01 && usd > 0 ? usd.toFixed(4) : usd.toFixed(2)}`;
}

const SIZES = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** A number of bytes: `512 B`, `1.5 MB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < SIZES.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${SIZES[unit]}`;
}
