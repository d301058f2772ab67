import type { OwnEvent } from '../../../client/main.ts';
import type { Draft } from '../draft.ts';
import { fieldsOf } from '../fields.ts';

/** An event of a type that this version does not know. */
export function appendUnknown(draft: Draft, { seq, time, type, data }: OwnEvent): void {
  draft.append({ kind: 'unknown', key: `e${seq}`, seq, time, type, data: fieldsOf(data) });
}
