import type { Change } from '../change.ts';

/** Every line names its conversation. The last one named is the one to go on with. */
export function conversationNamed(tx: Change, id: string | null): void {
  const { conversation } = tx.record;
  if (id === null || id === conversation.id) return;
  tx.record = { ...tx.record, conversation: { ...conversation, id } };
  if (!conversation.isReset) return;
  tx.record = { ...tx.record, conversation: { id, isReset: false } };
  tx.emit({ type: 'session.conversation_reset', data: { conversation_id: id } });
}
