import * as z from 'zod';
import type { AgentTool } from '../api/session/session-config.ts';

/** Tools that came after version 0.1, whose runners and wrappers refuse a list with a name that they do not know. */
const LATER: ReadonlySet<AgentTool> = new Set(['share_port']);

/** Those of a session's tools that `agent_tools` does not name at a launch. Older parts do not look here; unknown ones are newer. */
export const moreTools = z.array(z.string().max(64)).max(64);

/** A session's tools as a launch names them. */
export function toolsOfLaunch(tools: readonly AgentTool[]): { agent_tools: AgentTool[]; more_tools: AgentTool[] } {
  const is = (later: boolean) => tools.filter((tool) => LATER.has(tool) === later);
  return { agent_tools: is(false), more_tools: is(true) };
}
