import type { OpenTask, SessionState } from '../state.ts';
import type { EndedTurn, ReportedTask } from '../life/input.ts';
import type { Draft } from './draft.ts';

/**
 * The work that `claude` has in the background, and what follows from it: when a message is settled. A message is settled once
 * its turn has ended, and the subagents that it began have ended and `claude` has spoken of each. A shell does not count.
 */
export class Background {
  readonly #draft: Draft;

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  /** `claude` lists all that is in the background now. */
  listed(reported: readonly ReportedTask[]): void {
    const { state, now } = this.#draft;
    const known = new Map(state.tasks.map((task) => [task.task_id, task]));
    const tasks = reported.map(
      (task): OpenTask => known.get(task.task_id) ?? { ...task, started: now, message_id: messageOfRunningTurn(state) },
    );
    const open = new Set(tasks.map(({ task_id }) => task_id));
    const ended = state.tasks.filter(({ task_id }) => !open.has(task_id));
    const due_reports = [
      ...state.due_reports,
      ...ended.map(({ run_id, kind, message_id }) => ({ run_id, kind, message_id })),
    ];
    this.#draft.set({ tasks, due_reports });
    // Idle time begins when the last of it has ended.
    if (tasks.length === 0 && ended.length > 0 && state.status === 'idle') this.#draft.set({ since: now });
    this.settle();
  }

  /** In the running turn, `claude` was told what a task found. The turn's end is then its report. */
  reportedInTurn(run_id: string): void {
    this.#draft.set({ reporting: [...this.#draft.state.reporting, run_id] });
  }

  /** A turn has ended: the tasks of which it spoke are reported on. */
  turnEnded({ run_id }: EndedTurn): void {
    const { due_reports, reporting } = this.#draft.state;
    const spoken = new Set([...reporting, run_id]);
    this.#draft.set({ due_reports: due_reports.filter((due) => !spoken.has(due.run_id)), reporting: [] });
    this.settle();
  }

  /** `claude` has nothing more to say of tasks that have ended. */
  silent(): void {
    this.#draft.set({ due_reports: [], reporting: [] });
    this.settle();
  }

  /** The container is gone, and all that ran in it. */
  gone(): void {
    this.#draft.set({ tasks: [] });
    this.silent();
  }

  /** Whether a message whose turn has ended has its last word. */
  isSettled(message_id: string): boolean {
    const { tasks, due_reports } = this.#draft.state;
    return ![...tasks, ...due_reports].some((task) => task.kind === 'agent' && task.message_id === message_id);
  }

  /** Notes the messages that are settled now. */
  settle(): void {
    const { unsettled } = this.#draft.state;
    const settled = unsettled.filter((id) => this.isSettled(id));
    if (settled.length === 0) return;
    this.#draft.set({ unsettled: unsettled.filter((id) => !settled.includes(id)) });
    for (const message_id of settled) this.#draft.do({ do: 'message_settled', message_id });
  }
}

/** Whether a `result` that names `message_ids` ends this message: it names it, or `claude` was done with it just before. */
export function isAnswered(
  { message_id, done }: { readonly message_id: string; readonly done: boolean },
  message_ids: readonly string[],
): boolean {
  return done || message_ids.includes(message_id);
}

/** The message from which the running turn follows. Reports are spoken of in the order in which their tasks ended. */
export function messageOfRunningTurn({ agent_turn, due_reports, current, last_message }: SessionState): string | null {
  if (agent_turn !== null) return due_reports[0]?.message_id ?? last_message;
  return current?.message_id ?? last_message;
}
