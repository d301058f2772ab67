import { TOOL_LIST } from './tool-list.ts';
import type { ToolName } from './tool-names.ts';

/** Those that this version knows: a newer session may name others. */
export function knownTools(names: readonly string[]): ToolName[] {
  return names.filter((name): name is ToolName => Object.hasOwn(TOOL_LIST, name));
}
