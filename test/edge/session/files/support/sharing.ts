import { expect } from 'vitest';
import type { SharedFile, ShareArtifactInput } from '../../../../../protocol/api/files/artifact.ts';
import { callTool, ofType } from '../../children/support/family.ts';
import { SHARED, type Ran } from '../../../support/scene.ts';
import { FakeTransfer } from './transfer.ts';

export const REPORT = { tool: 'share_artifact', input: { path: 'out/report.pdf' } } as const;
export const SHA = 'ab'.repeat(32);

export const file = (change: Partial<SharedFile> = {}): SharedFile => ({
  path: 'out/report.pdf',
  bytes: 1000,
  sha256: SHA,
  storage: SHARED,
  owner_bytes: 5000,
  ...change,
});

export const artifacts = async ({ user, id }: Pick<Ran, 'user' | 'id'>, query = '') =>
  (await user.call('GET', `/sessions/${id}/artifacts${query}`)).body;
export const events = async ({ user, id }: Ran) => ofType(await user.events(id), 'session.artifact');
export const idOf = ({ request }: FakeTransfer) => {
  if (request.op !== 'share') throw new Error(`no file is to be kept, but ${request.op}`);
  return request.artifact_id;
};

/** Has the agent share a file, which its runner keeps. */
export async function share(scene: Ran, input: Partial<ShareArtifactInput> = {}, kept: Partial<SharedFile> = {}) {
  callTool(scene.container, { tool: 'share_artifact', input: { ...REPORT.input, ...input } });
  const transfer = await FakeTransfer.next(scene.runner);
  transfer.json(file(kept));
  const answer = await scene.container.answer();
  expect(answer.is_error, answer.text).toBe(false);
  return { id: idOf(transfer), answer, request: transfer.request };
}

/** That a runner is told to drop an artifact's bytes. */
export const isDrop = (id: string) => (frame: { kind: string; trees: { snapshot_id: string }[] }) =>
  frame.kind === 'drop' && frame.trees.some((tree) => tree.snapshot_id === id);
