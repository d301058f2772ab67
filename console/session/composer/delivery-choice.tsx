import { DELIVERIES } from './delivery.ts';
import type { Outgoing } from './outgoing.ts';

/** How the message reaches the agent while a turn runs. */
export function DeliveryChoice({ outgoing }: { readonly outgoing: Outgoing }) {
  const chosen = outgoing.delivery.value;
  return (
    <fieldset class="composer-choice">
      <legend class="visually-hidden">While it works, the message is to</legend>
      <div class="composer-ways">
        {DELIVERIES.map(({ delivery, name }) => (
          <label key={delivery} class="composer-way">
            <input
              type="radio"
              name="delivery"
              class="visually-hidden"
              checked={delivery === chosen}
              onChange={() => outgoing.choose(delivery)}
            />
            <span>{name}</span>
          </label>
        ))}
      </div>
      <p class="composer-note">{DELIVERIES.find(({ delivery }) => delivery === chosen)?.means}</p>
    </fieldset>
  );
}
