import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import { claudeModel } from './claude-args.ts';
import { CLAIM_REQUEST, MODEL_REQUEST } from './output-line.ts';

export { MODEL_REQUEST };

interface Request {
  readonly type: 'control_request';
  readonly request_id: string;
  readonly request: object;
}

/** Has a parked `claude` claim a session: its folder, and what is appended to the system prompt. All else is in how it was started. */
export function claimRequest({ cwd, config }: WrapperLaunch): Request {
  const { system_prompt: prompt } = config;
  const request = { subtype: 'claim_session', cwd, ...(prompt !== undefined && { append_system_prompt: prompt }) };
  return { type: 'control_request', request_id: CLAIM_REQUEST, request };
}

/** A claim does not take a model: it is set right after. Null: the session names none. */
export function modelRequest({ config: { model } }: WrapperLaunch): Request | null {
  if (model === undefined) return null;
  const request = { subtype: 'set_model', model: claudeModel(model) };
  return { type: 'control_request', request_id: MODEL_REQUEST, request };
}
