import * as z from 'zod';
import { modelName, type PermissionMode } from '../../../../protocol/api/session/session-config.ts';
import { parseJson } from '../../../shared/json.ts';
import type { LoggedLine } from '../turns/turn-error.ts';

/** What a line of Claude Code says about the settings. */
export interface ReportedSettings {
  readonly permission_mode?: PermissionMode;
  readonly model?: string;
}

/** Claude Code's own modes. Its `auto` is none of ours: only Anthropic's models can judge for it. */
const MODES: Readonly<Record<string, PermissionMode>> = {
  default: 'ask',
  acceptEdits: 'accept_edits',
  plan: 'plan',
  bypassPermissions: 'bypass',
  dontAsk: 'bypass',
};

/** Each turn begins with `init`, and each change of the mode is a `status`: in mid-turn it is the only line about it. */
const modeLine = z.object({ subtype: z.enum(['init', 'status']), permissionMode: z.string() });

/** The `result` of the command `/model`. It names the model for people, so the name is that of the command itself. */
const modelSetLine = z.object({ local_command: z.literal('model'), result: z.string().startsWith('Set model to ') });
const commandLine = z.object({ message: z.object({ content: z.string() }) });
const MODEL_COMMAND = /<command-name>\/model<\/command-name>[\s\S]*<command-args>(.*)<\/command-args>/;

/**
 * What a line says about the settings; null: nothing.
 *
 * @param before the log before this line, the newest first
 */
export function reportedSettings(
  line: { readonly type: string },
  before: Iterable<LoggedLine>,
): ReportedSettings | null {
  if (line.type === 'system') {
    const said = modeLine.safeParse(line).data?.permissionMode;
    const permission_mode = said === undefined ? undefined : MODES[said];
    return permission_mode === undefined ? null : { permission_mode };
  }
  if (line.type !== 'result' || !modelSetLine.safeParse(line).success) return null;
  const model = modelName.safeParse(modelOfCommand(before)).data;
  return model === undefined ? null : { model };
}

/** The argument of the `/model` before this line. */
function modelOfCommand(before: Iterable<LoggedLine>): string | undefined {
  for (const { type, json } of before) {
    if (type === 'result') return undefined;
    const content = type === 'user' ? commandLine.safeParse(parseJson(json)).data?.message.content : undefined;
    const model = content === undefined ? undefined : MODEL_COMMAND.exec(content)?.[1]?.trim();
    if (model !== undefined) return model;
  }
  return undefined;
}
