import { readdirSync, rmSync } from 'node:fs';
import { afterAll, onTestFailed } from 'vitest';
import type { WrapperCommand } from '../../../protocol/link/wrapper/wrapper-link.ts';
import { Stage } from './run-wrapper.ts';
import type { Block, Script } from './scripted-model.ts';
import type { SessionSide } from './session-side.ts';

type Result = Pick<Extract<WrapperCommand, { command: 'tool_result' }>, 'text' | 'is_error' | 'structured'>;

/** A use of one of CC-Docker's own tools. */
export const use = (tool: string, input: object): Block => ({ tool: `mcp__cc-docker__${tool}`, input });

export interface ToolStage extends Stage {
  /** What the model uses at its next calls, one list each. Then it is done. */
  calls: Block[][];
  /** What the model does instead, for a test whose turns are not one list after the other. */
  follow: Script | undefined;
  /** What the model may use. */
  readonly offered: Set<string>;
  /** What the model was sent at each call of it since its answer before: JSON. */
  readonly heard: string[];
}

/** A session whose model uses these tools, one list a call, and is done. */
export async function using(...calls: Block[][]): Promise<ToolStage> {
  const stage: ToolStage = Object.assign(
    await Stage.open((latest, all, tools, descriptions) => {
      // Claude Code asks a model for other things too, as for a title.
      if (tools.length === 0) return [{ words: ['aside'] }];
      for (const tool of tools) stage.offered.add(tool);
      stage.heard.push(latest);
      if (stage.follow !== undefined) return stage.follow(latest, all, tools, descriptions);
      return stage.calls.shift() ?? [{ words: ['done'] }];
    }),
    { calls, follow: undefined, offered: new Set<string>(), heard: [] },
  );
  return stage;
}

/**
 * For the tests of a file that want the same of a session: each gets the one that was started with this config before, with an
 * empty workspace and log. A `claude` takes longer to start than to do what most tests ask of it.
 */
export function sharing(): (config: object, ...calls: Block[][]) => Promise<ToolStage> {
  const running = new Map<string, ToolStage>();
  const end = async (key: string) => {
    const stage = running.get(key);
    running.delete(key);
    await stage?.[Symbol.asyncDispose]();
  };
  afterAll(async () => {
    for (const key of running.keys()) await end(key);
  });
  return async (config, ...calls) => {
    const key = JSON.stringify(config);
    const stage = running.get(key) ?? (await using());
    // Whatever a test left half done shall fail no other one.
    onTestFailed(async () => await end(key));
    if (!running.has(key)) {
      running.set(key, stage);
      await stage.start({ config });
      await stage.session.notice('ready');
    }
    stage.session.forget();
    stage.offered.clear();
    stage.heard.length = 0;
    for (const name of readdirSync(stage.path('workspace')))
      rmSync(stage.path(`workspace/${name}`), { recursive: true });
    stage.calls = calls;
    stage.follow = undefined;
    return stage;
  };
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
