import type { AgentTool } from '../../protocol/api/session/session-config.ts';

/** The name of CC-Docker's own MCP server: its tools are `mcp__cc-docker__…`. */
export const TOOL_SERVER = 'cc-docker';

export type ToolName = AgentTool;

/** The tool's name in Claude Code's rules. */
export function ruleOf(tool: ToolName): string {
  return `mcp__${TOOL_SERVER}__${tool}`;
}
