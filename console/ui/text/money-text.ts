/**
 * An amount as people read it: `$0`, `<$0.01`, `$0.42`, `$12.30`, `$1,250`.
 *
 * @param usd US dollars
 */
export function moneyText(usd: number): string {
  if (usd <= 0) return '$0';
  if (usd < 0.01) return '<$0.01';
  if (usd < 1000) return `$${usd.toFixed(2)}`;
  return `$${Math.round(usd).toLocaleString('en-US')}`;
}
