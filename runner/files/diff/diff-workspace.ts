import type { FilesRequest } from '../../../protocol/api/files/files.ts';
import { streamed, type SuccessAnswer } from '../answer.ts';
import { openWorkspace } from '../paths/safe-path.ts';
import { changeOf, changesSince } from './changes.ts';
import { gitPatch } from './git-patch.ts';
import { jsonList } from '../read/json-list.ts';
import type { StartTree } from './start-tree.ts';

/** Streams the changes since the workspace's start, as a list or as a patch. */
export async function diffWorkspace(
  workspace: string,
  request: Extract<FilesRequest, { op: 'diff' }>,
  start: StartTree | null,
): Promise<SuccessAnswer> {
  await (await openWorkspace(workspace)).close();
  if (request.format === 'json') {
    const changes = async function* () {
      for await (const change of changesSince(workspace, start)) yield changeOf(change);
    };
    return streamed('application/json', jsonList({ start: start?.snapshot_id ?? null }, changes()));
  }
  const parts = async function* () {
    for await (const change of changesSince(workspace, start)) {
      const part = await gitPatch(change, start);
      if (part.length > 0) yield part;
    }
  };
  return streamed('text/x-diff', parts());
}
