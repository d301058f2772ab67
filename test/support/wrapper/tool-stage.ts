import type { WrapperCommand } from '../../../protocol/link/wrapper-link.ts';
import { Stage } from './run-wrapper.ts';
import type { Block } from './scripted-model.ts';
import type { SessionSide } from './session-side.ts';

type Result = Pick<Extract<WrapperCommand, { command: 'tool_result' }>, 'text' | 'is_error' | 'structured'>;

/** A use of one of CC-Docker's own tools. */
export const use = (tool: string, input: object): Block => ({ tool: `mcp__cc-docker__${tool}`, input });

/** A session whose model uses these tools, one list a call, and is done. */
export async function using(...calls: Block[][]): Promise<Stage & { offered: Set<string>; heard: string[] }> {
  let call = 0;
  /** What the model may use, and what it was sent at each call of it since its answer before: JSON. */
  const offered = new Set<string>();
  const heard: string[] = [];
  const stage = await Stage.open((latest, _, tools) => {
    // Claude Code asks a model for other things too, as for a title.
    if (tools.length === 0) return [{ words: ['aside'] }];
    for (const tool of tools) offered.add(tool);
    heard.push(latest);
    call += 1;
    return calls[call - 1] ?? [{ words: ['done'] }];
  });
  return Object.assign(stage, { offered, heard });
}

/** Answers the `n`th call (from 0) once it has come, and settles with it. */
export async function answerCall(session: SessionSide, n: number, result: Result) {
  const called = await session.nth('tool_call', n);
  session.order({ command: 'tool_result', call_id: called.call_id, ...result });
  return called.call;
}

/** With a text. */
export function answer(session: SessionSide, n: number, text: string, is_error = false) {
  return answerCall(session, n, { text, is_error });
}

/** What the tools have told the model, as the session's log has it. */
export const results = ({ lines }: SessionSide): string =>
  JSON.stringify(lines.filter((line) => line['type'] === 'user'));
