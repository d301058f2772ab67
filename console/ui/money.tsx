import { moneyText } from './text/money-text.ts';

/** An amount, rounded; all of it in the title. @param usd US dollars */
export function Money({ usd }: { readonly usd: number }) {
  return (
    <span class="ui-number" title={`$${usd.toFixed(6)}`}>
      {moneyText(usd)}
    </span>
  );
}
