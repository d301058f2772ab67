import * as z from 'zod';
import { uuid } from '../../ids.ts';
import { reason } from '../../reason.ts';
import { imageName } from '../../api/environment.ts';
import { environmentName, environmentRevision } from '../../api/environment-name.ts';
import { launchConfig } from '../../api/session/session-config.ts';

/** The `owner` of what the operator shares with all. */
export const SHARED = 'shared';

/** A part of a `devcontainer.json` that has no effect, and why. */
const unsupported = z.array(z.object({ name: z.string().max(256), why: z.string().max(512) })).max(128);

/** What a repository's `devcontainer.json` says besides what an image is built from. */
const readDevcontainer = z.object({
  /** The file's path in the repository. */
  file: z.string().max(256),
  /** The repository's folder of the workspace. */
  folder: z.string().max(512),
  /** Variables of the session's processes. The session's own go over them. */
  remote_env: z.record(z.string(), z.string()),
  /** What runs once in that folder, as the agent's user, before the agent begins. */
  commands: z.array(z.object({ name: z.string().max(300), argv: z.array(z.string()).min(1) })).max(64),
});

/**
 * What a runner builds the image of a session's environment from, before the session's container starts. A launch without this
 * starts from the service's own image. All of it, with the ids of images, is the key under which the result is kept.
 */
export const launchEnvironment = z.object({
  name: environmentName,
  /** Null: of `devcontainer`, the repository says what it is. */
  revision: environmentRevision.nullable(),
  /**
   * Whose it is: `SHARED`, or the owner's part of the storage (`files.owner`). No image that was built for one serves another: what
   * an upstream gave to one owner must not reach the next.
   */
  owner: z.string().max(128),
  /** Absent: the service's own. */
  image: imageName.optional(),
  /** Absent: nothing runs. */
  setup: z.string().optional(),
  /** Of the environment alone, whatever else the session has. */
  env: launchConfig.shape.env,
  /** What `setup` may reach. Absent: the operator's `EGRESS_DEFAULT`. */
  network: launchConfig.shape.network,
  secrets: z.array(z.string()).default([]),
  /** The operator's `ENVIRONMENT_IMAGES`: for an image that is named elsewhere than here (`devcontainer`). */
  allowed_images: z.array(z.string()).default([]),
  /** Of `devcontainer`: the file was read at an earlier launch. Absent: it is to be read. */
  devcontainer: readDevcontainer.optional(),
});
export type LaunchEnvironment = z.infer<typeof launchEnvironment>;

/** The runner has read the repository's `devcontainer.json`. Later launches get what it says here. */
export const devcontainerNotice = z.object({
  host_notice: z.literal('devcontainer'),
  repo: z.string().max(2048),
  commit: z.string().max(64),
  image: imageName.optional(),
  setup: z
    .string()
    .max(64 * 1024)
    .optional(),
  env: z.record(z.string(), z.string()),
  devcontainer: readDevcontainer,
  ports: z.array(z.object({ port: z.int().min(1).max(65_535), label: z.string().max(64).optional() })).max(16),
  unsupported,
});
export type DevcontainerNotice = z.infer<typeof devcontainerNotice>;

/** Which build of which environment a notice is about. */
const ofBuild = {
  /** One build of one runner has one id, whoever waits for it. */
  build_id: uuid,
  environment: environmentName,
  revision: environmentRevision.nullable(),
} as const;

/**
 * The runner's notices of an environment's image, in this order: `started`, any number of `output`, then `ready` or `failed`. Of an
 * image that the runner has already, `ready` alone. Who begins to wait for a build that runs gets `started`, and the output so far.
 */
export const buildNotices = [
  z.object({ host_notice: z.literal('build_started'), ...ofBuild, started_at: z.iso.datetime() }),
  /**
   * What the build has written from `at` on, UTF-16 units from its beginning. A notice whose `at` is beyond what was told says that
   * the part between is left out.
   */
  z.object({
    host_notice: z.literal('build_output'),
    ...ofBuild,
    at: z.int().min(0),
    text: z.string().max(64 * 1024),
  }),
  z.object({
    host_notice: z.literal('build_ready'),
    ...ofBuild,
    /** The image was there already. */
    cached: z.boolean(),
    /** From `started` on; of a cached one, what looking for it took. */
    ms: z.int().min(0),
    /** The image's size; null: not known. */
    bytes: z.int().min(0).nullable(),
  }),
  /** The launch ends with the same reason. */
  z.object({
    host_notice: z.literal('build_failed'),
    ...ofBuild,
    ms: z.int().min(0),
    reason,
    /** The line of `setup` that failed, from 1; null: none did. */
    line: z.int().min(1).nullable(),
    /** The end of what it wrote, for whoever reads the event alone. */
    output: z.string().max(8192),
  }),
] as const;
