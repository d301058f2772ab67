import * as z from 'zod';
import type { AskingAgent } from '../../protocol/api/session/interaction.ts';
import { clip } from '../lib/clip.ts';
import { once } from '../lib/once.ts';

/** A subagent, as Claude Code's lines about tasks name it. */
const agentTask = once(() =>
  z.object({
    task_id: z.string(),
    task_type: z.literal('local_agent'),
    subagent_type: z.string().optional(),
    description: z.string().optional(),
  }),
);
export type AgentTask = z.infer<ReturnType<typeof agentTask>>;

/** Subagents whose names are kept. */
const MAX_AGENTS = 1000;

/** The subagents that a line names: when one starts, or when the set of those in the background changes. */
export function agentsOf(line: Readonly<Record<string, unknown>>): AgentTask[] {
  // Before the parse: this runs for every line.
  if (line['type'] !== 'system') return [];
  if (line['subtype'] === 'task_started') return read(line);
  if (line['subtype'] !== 'background_tasks_changed') return [];
  return (Array.isArray(line['tasks']) ? line['tasks'] : []).flatMap(read);
}

/** None: it is a task of another kind. */
function read(value: unknown): AgentTask[] {
  const parsed = agentTask().safeParse(value);
  return parsed.success ? [parsed.data] : [];
}

/** Tells which subagent makes a request: the request itself has only its id. No I/O. */
export class Agents {
  readonly #known = new Map<string, AgentTask>();

  heard(agents: readonly AgentTask[]): void {
    for (const agent of agents) {
      this.#known.delete(agent.task_id);
      this.#known.set(agent.task_id, agent);
    }
    for (const id of this.#known.keys()) {
      if (this.#known.size <= MAX_AGENTS) return;
      this.#known.delete(id);
    }
  }

  /** @param id null: the main agent asks */
  asking(id: string | null): AskingAgent | null {
    if (id === null) return null;
    const { subagent_type: type, description } = this.#known.get(id) ?? {};
    return {
      id: clip(id, 256),
      ...(type !== undefined && { type: clip(type, 256) }),
      ...(description !== undefined && { description: clip(description, 500) }),
    };
  }
}
