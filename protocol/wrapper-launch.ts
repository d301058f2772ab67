import * as z from 'zod';
import { epoch, uuid } from './ids.ts';
import { sessionConfig } from './session-config.ts';

/**
 * `launch.json` in the session's run folder: all that a wrapper needs to start. Paths are as the wrapper sees
 * them. The runner alone writes it.
 */
export const wrapperLaunch = z.object({
  session_id: uuid,
  epoch,
  /** Continue the transcript that is there (`--resume`) or begin one (`--session-id`). */
  resume: z.boolean(),
  /** The `claude` binary. */
  claude: z.string(),
  /** Its working directory. */
  cwd: z.string(),
  /** Its whole environment; nothing else is inherited. */
  env: z.record(z.string(), z.string()),
  /** Unix socket of the wrapper link. */
  link_socket: z.string(),
  /** Folder for what the wrapper hands `claude` as files (MCP configuration). */
  scratch: z.string(),
  config: sessionConfig,
});
export type WrapperLaunch = z.infer<typeof wrapperLaunch>;
