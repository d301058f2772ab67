import type { OwnerWebhook } from '../../../rpc/session/owner-webhooks.ts';

/** The session's own receiver, the owner's webhooks by their names, and the owner's devices (web push) by their ids. */
export const CALLBACK = 'callback';
const OWNERS = 'owner/';
const DEVICES = 'push/';
/** A receiver of the owner. */
export const ofOwner = ({ of, name }: Pick<OwnerWebhook, 'of' | 'name'>): string =>
  (of === 'push' ? DEVICES : OWNERS) + name;
/** The name of the owner's webhook that a receiver is; null: it is none. */
export const ownersName = (receiver: string): string | null =>
  receiver.startsWith(OWNERS) ? receiver.slice(OWNERS.length) : null;
/** The id of the push subscription that a receiver is; null: it is none. */
export const devicesId = (receiver: string): string | null =>
  receiver.startsWith(DEVICES) ? receiver.slice(DEVICES.length) : null;
