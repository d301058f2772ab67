import * as z from 'zod';
import { agentTool, type AgentTool } from '../../api/session/session-config.ts';

/** The tools of CC-Docker that sessions may have: names with commas between, or `none`. Empty, or not set: all of them. */
export const agentToolsSetting = z
  .string()
  .default('')
  .transform((text, context): AgentTool[] => {
    const names = text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    if (names.length === 0) return [...agentTool.options];
    if (names.length === 1 && names[0] === 'none') return [];
    const tools: AgentTool[] = [];
    for (const name of names) {
      const parsed = agentTool.safeParse(name);
      if (parsed.success) tools.push(parsed.data);
      else context.addIssue(`takes "none", or some of ${agentTool.options.join(', ')}: not "${name}"`);
    }
    return tools;
  });
