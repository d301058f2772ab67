/** The session's own receiver, and the owner's webhooks by their names. */
export const CALLBACK = 'callback';
const OWNERS = 'owner/';
export const ofOwner = (name: string): string => OWNERS + name;
/** The name of the owner's webhook that a receiver is; null: it is the session's own. */
export const ownersName = (receiver: string): string | null =>
  receiver.startsWith(OWNERS) ? receiver.slice(OWNERS.length) : null;
