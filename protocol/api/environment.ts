import * as z from 'zod';
import { instant, uuid } from '../ids.ts';
import { reason } from '../reason.ts';
import { DEVCONTAINER, environmentName, environmentRevision } from './environment-name.ts';
import { repositories } from '../git/repository.ts';
import { sessionConfig } from './session/session-config.ts';

/** Environments: machines that are set up once, and that sessions then start from. docs/environments.md */

/** Longest `setup`, characters. */
const MAX_SETUP = 64 * 1024;

/** All of an environment as JSON, UTF-8 bytes. */
const MAX_BYTES = 256 * 1024;

/** Most ports that are shared from the beginning. */
const MAX_PORTS = 16;

/** The name of an image as engines take it: `python:3.13-slim`, `ghcr.io/me/tools@sha256:…`. */
export const imageName = z
  .string()
  .max(255)
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/,
    'must be the name of an image such as python:3.13-slim',
  );

/** A port of sessions that is shared from their creation on. */
const environmentPort = z.strictObject({
  port: z.int().min(1).max(65_535),
  /** What it is, for people. */
  label: z.string().min(1).max(64).optional(),
});
export type EnvironmentPort = z.infer<typeof environmentPort>;

const { env, network, secrets, resources, mcp_servers, skills } = sessionConfig.shape;

/** What an environment is made of. */
const content = {
  /** The image that `setup` runs in. Absent: the service's own. Which others may be used, the operator's `ENVIRONMENT_IMAGES` says. */
  image: imageName.optional(),
  /**
   * A script for bash that runs once, as root of a container of its own. What it installs is kept as an image, and sessions
   * start from that. It is no place for secrets: whoever may read the environment reads it.
   */
  setup: z
    .string()
    .max(MAX_SETUP)
    .refine((text) => !text.includes('\0'), 'must hold no NUL character')
    .optional(),
  /** As a session's `config.env`, and for `setup` too. */
  env,
  /** As a session's `config.network`, and what `setup` may reach. */
  network,
  /** As a session's `config.secrets`, and for `setup` too. */
  secrets: secrets.unwrap().optional(),
  resources,
  mcp_servers: mcp_servers.unwrap().optional(),
  skills: skills.unwrap().optional(),
  /** As `git` of a session's workspace, where that is not to begin with a repository or a snapshot of its own. */
  git: repositories.optional(),
  ports: z
    .array(environmentPort)
    .max(MAX_PORTS)
    .refine((ports) => new Set(ports.map(({ port }) => port)).size === ports.length, 'must name each port once')
    .optional(),
} as const;

const isSmall = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length <= MAX_BYTES;

/** `PUT /environments/{name}`: the whole environment. What is absent, it does not have. */
export const environmentRequest = z
  .strictObject(content)
  .refine(isSmall, `must be at most ${MAX_BYTES / 1024} KB as JSON`);
export type EnvironmentRequest = z.infer<typeof environmentRequest>;

/** A name that an environment can be given. */
export const newEnvironmentName = environmentName.refine(
  (name) => name !== DEVCONTAINER,
  `is the name of what a repository describes itself (.devcontainer/devcontainer.json)`,
);

export const buildState = z.enum(['building', 'ready', 'failed']);

/** One build of an environment's image on a runner. */
export const environmentBuild = z.object({
  build_id: uuid,
  environment: environmentName,
  revision: environmentRevision.nullable(),
  state: buildState,
  /** The session that waited for it first. */
  session_id: uuid,
  /** The runner that made it. */
  runner: z.string().nullable(),
  started_at: instant,
  finished_at: instant.nullable(),
  /** Why it failed. */
  reason: reason.nullable(),
  /** The line of `setup` that failed, from 1; null: none did, or it is not known. */
  line: z.int().nullable(),
  /** Size of the image that it made, bytes; null: none, or it is not known. */
  image_bytes: z.int().nullable(),
  /** How much `setup` and the build have written, characters. */
  output_size: z.int(),
});
export type EnvironmentBuild = z.infer<typeof environmentBuild>;

/** `GET /environments/{name}/builds/{id}`. */
export const environmentBuildLog = environmentBuild.extend({
  /** What it wrote: its beginning and its end. What is left out between them is said there. */
  log: z.string(),
});

export type EnvironmentBuildLog = z.infer<typeof environmentBuildLog>;

/** The builds of an environment, the newest first. */
export const environmentBuildList = z.object({
  data: z.array(environmentBuild),
  next_cursor: z.string().nullable(),
});

/** An environment as it is shown. */
export const environmentView = z.object({
  name: environmentName,
  /** The operator's: everybody may use it, and nobody changes it here. One of yours by the same name is used in its place. */
  shared: z.boolean(),
  revision: environmentRevision,
  /** Null: of a shared one it is not known. */
  created_at: instant.nullable(),
  updated_at: instant.nullable(),
  ...content,
  /** The newest build that your sessions caused; null: none is known. */
  last_build: environmentBuild.nullable(),
});
export type EnvironmentView = z.infer<typeof environmentView>;

export const environmentList = z.object({ data: z.array(environmentView), next_cursor: z.string().nullable() });
