import * as z from 'zod';
import { instant, uuid } from '../ids.ts';

/** A file that an agent gives to people: a copy of it as it was when it was shared, kept with the session. */

/** Bytes of one artifact, at most. */
export const MAX_ARTIFACT_BYTES = 256 * 1024 * 1024;

export const shareArtifactInput = z.strictObject({
  /** Within the workspace, relative to it or beginning with where the agent sees it. */
  path: z.string().min(1).max(4096),
  /** What it is called; absent: as the file is. */
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
  /** Of the file, within the workspace. */
  path: z.string(),
  bytes: z.int(),
  sha256: z.string(),
  created_at: instant,
});
export type ArtifactView = z.infer<typeof artifactView>;

/** `GET /sessions/{id}/artifacts`, the oldest first. */
export const artifactList = z.object({ data: z.array(artifactView), next_cursor: z.string().nullable() });

/** What a runner says of a file that it has kept a copy of. */
export const sharedFile = z.object({
  /** Of the file, within the workspace. */
  path: z.string(),
  bytes: z.int(),
  /** Hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The storage that has it. */
  storage: z.string().max(128),
  /** What the owner's part of that storage takes by now, bytes; null: not measured. */
  owner_bytes: z.int().nullable(),
});
export type SharedFile = z.infer<typeof sharedFile>;
