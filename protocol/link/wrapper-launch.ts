import * as z from 'zod';
import { epoch, uuid } from '../ids.ts';
import { sessionConfig } from '../api/session-config.ts';

/**
 * `launch.json` in the session's run folder: all that a wrapper needs to start. Paths are as the wrapper sees
 * them. The runner alone writes it.
 */
export const wrapperLaunch = z.object({
  session_id: uuid,
  epoch,
  /** Continue the transcript that is there (`--resume`) or begin one (`--session-id`). */
  resume: z.boolean(),
  /** Begin as a fork of that session's transcript, which is there (`--resume fork_of --fork-session`). */
  fork_of: uuid.optional(),
  /** Clone this into `cwd`, which is empty, and wait for `go`, before anything else. */
  git: z.object({ repo: z.string(), branch: z.string().optional() }).optional(),
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
  /** What is there for a session that names it: folders of the MCP catalogue, of its servers' npm packages, and of skills. Absent: nothing. */
  offers: z.object({ mcp: z.string(), packages: z.string(), skills: z.string() }).optional(),
  /** Probe the seal before anything is started: this is a container that is to be sealed. */
  seal: z.boolean(),
  /** It has a kernel of its own (gVisor, a virtual machine), where the host's seccomp and kernel files do not show. */
  own_kernel: z.boolean().optional(),
  /** The way out: absent where the container has none, or needs none. */
  egress: z
    .object({
      /** Unix socket of the runner's proxy. */
      socket: z.string(),
      /** Where tools find that proxy, on loopback inside the container. */
      proxy_port: z.int().min(1).max(65_535),
      /** Plain TCP: a connection to `address:port` inside goes through the proxy to `host:port`. */
      forwards: z.array(z.object({ address: z.ipv4(), host: z.string(), port: z.int().min(1).max(65_535) })),
    })
    .optional(),
  config: sessionConfig,
});
export type WrapperLaunch = z.infer<typeof wrapperLaunch>;
