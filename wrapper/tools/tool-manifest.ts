import type { ToolDescription } from './tool-definition.ts';
import { TOOL_LIST } from './tool-list.ts';
import { TOOL_SERVER, type ToolName } from './tool-names.ts';

/** The version of MCP that Claude Code asks for. A manifest counts only with the very same version. */
export const PROTOCOL_VERSION = '2025-11-25';

/** The answers to an MCP client's first two questions. */
export interface Manifest {
  initializeResult: object;
  toolsListResult: object;
}

/** The answers for a client that takes them before it asks. */
export function manifestOf(tools: readonly ToolName[]): Manifest {
  return { initializeResult: initialized(PROTOCOL_VERSION), toolsListResult: listed(tools) };
}

/** The result of `initialize`. */
export function initialized(protocolVersion: string): object {
  return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: TOOL_SERVER, version: '1' } };
}

/** The result of `tools/list`. */
export function listed(tools: readonly ToolName[]): { tools: ToolDescription[] } {
  return { tools: tools.map((name) => TOOL_LIST[name]) };
}
