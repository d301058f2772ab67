import type { BackgroundTask, MessageView } from '../../../../protocol/api/session/message.ts';
import type { OpenTask, SessionState } from '../../core/state.ts';

/** A message without what only the session's state knows. */
export type StoredMessage = Omit<MessageView, 'background_tasks' | 'retry_at'>;

/** A message with what it began and is still running, and what it waits for. */
export function withState(message: StoredMessage, { tasks, limited }: SessionState): MessageView {
  return {
    ...message,
    retry_at: message.status === 'queued' ? iso(limited?.until ?? null) : null,
    background_tasks: tasksView(tasks.filter(({ message_id }) => message_id === message.message_id)),
  };
}

/** Background work as people see it. */
export function tasksView(tasks: readonly OpenTask[]): BackgroundTask[] {
  return tasks.map(({ task_id, kind, description, started }) => ({
    task_id,
    kind,
    description,
    started_at: new Date(started).toISOString(),
  }));
}

/** As the API says times. */
export const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString());
