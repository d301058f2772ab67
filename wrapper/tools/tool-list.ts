import type { ToolDescription } from './tool-definition.ts';
import type { ToolName } from './tool-names.ts';
import { TOOLS } from './tool-table.ts';

/**
 * What `tools/list` says of each tool. The bundle holds the finished list (scripts/bundle.ts): making JSON Schema of zod's
 * would cost each container's start tens of milliseconds.
 */
export const TOOL_LIST: Readonly<Record<ToolName, ToolDescription>> = {
  ask_user: TOOLS.ask_user.describe(),
  notify_user: TOOLS.notify_user.describe(),
  share_artifact: TOOLS.share_artifact.describe(),
  spawn_session: TOOLS.spawn_session.describe(),
  list_children: TOOLS.list_children.describe(),
  send_to_child: TOOLS.send_to_child.describe(),
  get_child_result: TOOLS.get_child_result.describe(),
  get_child_events: TOOLS.get_child_events.describe(),
  interrupt_child: TOOLS.interrupt_child.describe(),
  stop_child: TOOLS.stop_child.describe(),
  schedule_wakeup: TOOLS.schedule_wakeup.describe(),
  list_wakeups: TOOLS.list_wakeups.describe(),
  cancel_wakeup: TOOLS.cancel_wakeup.describe(),
  share_port: TOOLS.share_port.describe(),
};
