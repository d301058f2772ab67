import type { ClaudeProcess } from '../claude/claude-process.ts';
import type { TelemetryPort } from '../workspace/telemetry-port.ts';

/** A `claude` that waits for a session, and what was opened for it. */
export interface Parked {
  readonly claude: ClaudeProcess;
  /** Its environment names the port. Null: nobody collects its telemetry. */
  readonly telemetry: TelemetryPort | null;
}
