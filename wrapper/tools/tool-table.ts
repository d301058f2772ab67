import type { AgentTool } from '../../protocol/api/session/session-config.ts';
import type { ToolCall } from './tool-calls.ts';
import {
  getChildEvents,
  getChildResult,
  interruptChild,
  listChildren,
  sendToChild,
  spawnSession,
  stopChild,
} from './tool-children.ts';
import type { ToolDefinition } from './tool-definition.ts';
import { askUser, notifyUser, shareArtifact, sharePort } from './tool-people.ts';
import { cancelWakeup, listWakeups, scheduleWakeup } from './tool-wakeups.ts';

/** All of CC-Docker's own tools. */
export const TOOLS: Readonly<{ [Name in AgentTool]: ToolDefinition<Extract<ToolCall, { tool: Name }>> }> = {
  ask_user: askUser,
  notify_user: notifyUser,
  share_artifact: shareArtifact,
  spawn_session: spawnSession,
  list_children: listChildren,
  send_to_child: sendToChild,
  get_child_result: getChildResult,
  get_child_events: getChildEvents,
  interrupt_child: interruptChild,
  stop_child: stopChild,
  schedule_wakeup: scheduleWakeup,
  list_wakeups: listWakeups,
  cancel_wakeup: cancelWakeup,
  share_port: sharePort,
};
