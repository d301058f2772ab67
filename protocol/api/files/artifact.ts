import * as z from 'zod';
import { instant, uuid } from '../../ids.ts';

/** An artifact: a copy of a file that the agent shared with people. The copy is kept with the session. */

/** Largest artifact, bytes. */
export const MAX_ARTIFACT_BYTES = 256 * 1024 * 1024;

export const shareArtifactInput = z.strictObject({
  /** Within the workspace: relative to it, or absolute as the agent sees it. */
  path: z.string().min(1).max(4096),
  /** The artifact's name; absent: the file's. */
  name: z.string().min(1).max(255).optional(),
  description: z.string().max(2000).optional(),
});
export type ShareArtifactInput = z.infer<typeof shareArtifactInput>;
export const shareArtifactOutput = z.object({ artifact_id: uuid, name: z.string(), bytes: z.int() });

export const artifactView = z.object({
  artifact_id: uuid,
  session_id: uuid,
  name: z.string(),
  description: z.string().nullable(),
  /** The file's path within the workspace. */
  path: z.string(),
  bytes: z.int(),
  sha256: z.string(),
  created_at: instant,
});
export type ArtifactView = z.infer<typeof artifactView>;

/** `GET /sessions/{id}/artifacts`, the oldest first. */
export const artifactList = z.object({ data: z.array(artifactView), next_cursor: z.string().nullable() });

/** The runner's report on a file of which it has stored a copy. */
export const sharedFile = z.object({
  /** The file's path within the workspace. */
  path: z.string(),
  bytes: z.int(),
  /** Hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The id of the storage that has the copy. */
  storage: z.string().max(128),
  /** Size of the owner's part of that storage now, bytes; null: not measured. */
  owner_bytes: z.int().nullable(),
});
export type SharedFile = z.infer<typeof sharedFile>;
