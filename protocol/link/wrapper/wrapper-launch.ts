import * as z from 'zod';
import { WORKSPACE } from '../../git/repository-path.ts';
import { epoch, uuid } from '../../ids.ts';
import { moreTools } from '../more-tools.ts';
import { launchConfig } from '../../api/session/session-config.ts';

const clonedRepository = z.object({
  /** An http(s) URL. */
  repo: z.string(),
  /** A branch, a tag, a commit, or a ref in full; absent: the repository's own default. */
  branch: z.string().optional(),
  /** Commits of each branch; absent: all. */
  depth: z.int().min(1).optional(),
  /** False: without submodules. */
  submodules: z.boolean().optional(),
});

const cloneRules = {
  /** The workspace began with files, which are no uploads: nothing is laid under them. */
  has_files: z.boolean().optional(),
  /** Beginnings of URLs, and what git takes in place of each while it clones. */
  rewrites: z.array(z.object({ from: z.string(), to: z.string() })).optional(),
};

/**
 * `launch.json` in the session's run folder: all that a wrapper needs. Only the runner writes it. Paths are the
 * wrapper's view.
 */
export const wrapperLaunch = z.object({
  session_id: uuid,
  epoch,
  /**
   * The spare that this session has claimed (`spare.ts`): its `claude` waits in this container. Claude Code's id of the conversation, and
   * the mark of all that runs here, are the spare's id. Absent: the container was started for this session.
   */
  spare: uuid.optional(),
  /** Claude Code's id of the conversation; absent: it is the session's id. */
  conversation_id: uuid.optional(),
  /** True: continue the transcript (`--resume`). False: begin one (`--session-id`). */
  resume: z.boolean(),
  /** Begin as a fork of this conversation's transcript, which is in place (`--resume fork_of --fork-session`). */
  fork_of: uuid.optional(),
  /** Before anything else, clone this into `cwd`, whose files stay, and wait for `go`. */
  git: z
    .union([
      z.object({ ...clonedRepository.shape, ...cloneRules }),
      // A wrapper of 0.1 refuses this: it would clone one of them into the wrong folder.
      z.object({ repositories: z.array(clonedRepository.extend({ path: z.string() })).min(1), ...cloneRules }),
    ])
    .optional(),
  /**
   * Once the repositories are there: commands that run in this folder of `cwd`, one after the other, before the session is told that
   * all is there. Only with `git`.
   */
  prepare: z
    .object({
      folder: z.string(),
      commands: z.array(z.object({ name: z.string(), argv: z.array(z.string()).min(1) })).min(1),
    })
    .optional(),
  /** The `claude` binary. */
  claude: z.string(),
  /** Its working directory. */
  cwd: z.string(),
  /** Its whole environment; nothing else is inherited. */
  env: z.record(z.string(), z.string()),
  /** Unix socket of the wrapper link. */
  link_socket: z.string(),
  /** Unix socket for streams (`tunnel/streams.ts`). Absent: the runner is of an earlier version, and opens none. */
  streams_socket: z.string().optional(),
  /** Folder for files that the wrapper writes for `claude`, such as its MCP configuration. */
  scratch: z.string(),
  /**
   * Folders with what a session can name: the MCP catalogue, the npm packages of its servers, and skills. Absent:
   * nothing.
   */
  offers: z.object({ mcp: z.string(), packages: z.string(), skills: z.string() }).optional(),
  /** This container must be sealed: probe the seal before anything is started. */
  seal: z.boolean(),
  /** Where the container has a network card: the runner's address, and nothing else, may be reached. Absent: it has none. */
  network: z.object({ runner: z.object({ host: z.string(), port: z.int().min(1).max(65_535) }) }).optional(),
  /** It has a kernel of its own (gVisor, a virtual machine), where the host's seccomp and kernel files do not show. */
  own_kernel: z.boolean().optional(),
  /** Limits that the container's engine has not, so that the wrapper sets them itself before anything starts. Absent: none. */
  limits: z
    .object({
      /** Processes and threads of its user. Absent: as many as the engine lets it have. */
      processes: z.int().min(1).optional(),
      /** Bytes of a single file. */
      file_bytes: z.int().min(1).optional(),
    })
    .optional(),
  /** The session's egress: absent where the container has none, or needs none. */
  egress: z
    .object({
      /** Unix socket of the runner's proxy. */
      socket: z.string(),
      /** The port of that proxy for tools, on loopback inside the container. */
      proxy_port: z.int().min(1).max(65_535),
      /** Plain TCP: a connection to `address:port` inside goes through the proxy to `host:port`. */
      forwards: z.array(z.object({ address: z.ipv4(), host: z.string(), port: z.int().min(1).max(65_535) })),
    })
    .optional(),
  /** The operator collects `claude`'s own telemetry: a unix socket that takes it (OTLP over HTTP). Absent: nobody does. */
  telemetry: z.object({ socket: z.string() }).optional(),
  config: launchConfig,
  /** Tools besides `config.agent_tools`. Absent: a runner of an earlier version. */
  more_tools: moreTools.optional(),
});
export type WrapperLaunch = z.infer<typeof wrapperLaunch>;

/** One of the repositories that a wrapper is to clone. `path`: its folder of the workspace; `.`: that itself. */
export type ClonedRepository = z.infer<typeof clonedRepository> & { path: string };

/** What is cloned, one after the other. */
export function clonedRepositories(git: NonNullable<WrapperLaunch['git']>): ClonedRepository[] {
  if ('repositories' in git) return git.repositories;
  const { has_files: _files, rewrites: _rewrites, ...one } = git;
  return [{ path: WORKSPACE, ...one }];
}
