import type { ToolItem } from '../item.ts';

/** `background`: its call has ended, and its work goes on. */
export type ToolState = 'running' | 'background' | 'done' | 'failed' | 'stopped';

export function toolState({ result, task, isStopped }: ToolItem): ToolState {
  if (result?.isError === true) return 'failed';
  if (task?.isBackground === true && (result !== null || isStopped)) {
    if (task.status === 'running') return 'background';
    if (task.status === 'completed') return 'done';
    return task.status;
  }
  if (result !== null) return 'done';
  return isStopped ? 'stopped' : 'running';
}
