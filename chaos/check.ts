import type { Refusal, RunRecord, SeenEvent, SessionRecord, ViewerRecord } from './records.ts';

/** How a message may end. Anything else is a message that was lost. */
const ENDS = ['completed', 'failed', 'interrupted'];
/** The events that end a message; one of them comes for each, once. */
const END_EVENTS = ['message.completed', 'message.failed', 'message.interrupted'];

/** What was promised and not kept, a sentence each. None: nothing was lost, doubled, reordered, run twice or left over. */
export function violationsOf({ sessions, refusals, left }: RunRecord): string[] {
  return [
    ...sessions.flatMap(ofSession),
    ...new Set(refusals.flatMap(ofRefusal)),
    ...left.map((what) => `left over: ${what}`),
  ];
}

/** What is not taken is refused with a reason: a full disk with 507, and nothing with a fault of the service's own. */
function ofRefusal({ code, status, detail }: Refusal): string[] {
  if (code === 'internal_error') return [`a call was refused with a fault: ${detail}`];
  if (detail.trim() === '') return [`a call was refused with ${code} and without a sentence`];
  if (code === 'disk_low' && status !== 507) return [`a full disk was answered with ${status}`];
  return [];
}

function ofSession(record: SessionRecord): string[] {
  const found = [
    ...ofLog(record.stored),
    ...record.viewers.flatMap((viewer) => ofViewer(viewer, record.stored)),
    ...ofMessages(record),
    // It was not looked at: nothing that is said of containers would be worth anything.
    ...(record.mostContainers === 0 && record.ran.length > 0 ? ['nobody has seen a container of it'] : []),
    ...(record.mostContainers > 1 ? [`${record.mostContainers} containers lived at one time`] : []),
  ];
  return found.map((what) => `session ${record.id}: ${what}`);
}

function ofLog(stored: readonly SeenEvent[]): string[] {
  const wrong = stored.findIndex(({ seq }, index) => seq !== index + 1);
  return wrong === -1 ? [] : [`the log has event ${stored[wrong]?.seq} in the place of ${wrong + 1}`];
}

function ofViewer({ name, seen, ended }: ViewerRecord, stored: readonly SeenEvent[]): string[] {
  if (ended !== null) return [`${name} was given no more: ${ended}`];
  const wrong = seen.findIndex(({ seq }, index) => seq !== index + 1);
  if (wrong !== -1) return [`${name} was given event ${seen[wrong]?.seq} in the place of ${wrong + 1}`];
  const missing = stored.length - seen.length;
  if (missing > 0) return [`${name} was not given the last ${missing} events`];
  if (missing < 0) return [`${name} was given ${-missing} events that are not stored`];
  const other = seen.findIndex(({ what }, index) => what !== stored[index]?.what);
  return other === -1 ? [] : [`${name} was given another event ${other + 1} than the one that is stored`];
}

function ofMessages({ sent, messages, stored, ran }: SessionRecord): string[] {
  const ended = new Map(messages.map(({ id, status }) => [id, status]));
  const ends = countBy(
    stored.filter(({ type }) => END_EVENTS.includes(type)),
    ({ messageId }) => messageId,
  );
  const queued = countBy(
    stored.filter(({ type }) => type === 'message.queued'),
    ({ messageId }) => messageId,
  );
  const lines = countBy(ran, (line) => line);
  const begun = stored.filter(({ type }) => type === 'message.processing').map(({ messageId }) => messageId);
  const inOrder = sent.map(({ id }) => id).filter((id) => begun.includes(id));
  const early = begun.findIndex((id, index) => id !== inOrder[index]);
  return [
    ...(early === -1 ? [] : [`the message ${begun[early]} was begun in the place of ${inOrder[early] ?? 'none'}`]),
    ...sent.flatMap(({ id, token, steps }) => {
      const status = ended.get(id);
      if (status === undefined) return [`the message ${id} was taken, and is lost`];
      if (!ENDS.includes(status)) return [`the message ${id} is ${status} for ever`];
      const found: string[] = [];
      if (queued.get(id) !== 1) found.push(`the message ${id} was queued ${queued.get(id) ?? 0} times`);
      if (ends.get(id) !== 1) found.push(`the message ${id} has ended ${ends.get(id) ?? 0} times`);
      for (let step = 0; step < steps; step++) {
        const times = lines.get(`${token} ${step}`) ?? 0;
        if (times > 1) found.push(`step ${step} of the message ${id} was run ${times} times`);
        if (times === 0 && status === 'completed')
          found.push(`step ${step} of the completed message ${id} was not run`);
      }
      return found;
    }),
    ...(messages.length > sent.length ? [`there are ${messages.length} messages, and ${sent.length} were sent`] : []),
  ];
}

function countBy<T, K>(all: readonly T[], keyOf: (one: T) => K): Map<K, number> {
  const counts = new Map<K, number>();
  for (const one of all) counts.set(keyOf(one), (counts.get(keyOf(one)) ?? 0) + 1);
  return counts;
}
