/** How much an event takes, about: UTF-16 units of all texts in it. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let size = 16;
  for (const part of Object.values(value)) size += sizeOf(part);
  return size;
}
