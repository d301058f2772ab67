import { readFileSync } from 'node:fs';
import { answerRequest, type TreeRequest } from '../../../runner/files/answer-request.ts';
import { FilesRefused } from '../../../runner/files/paths/refused.ts';
import { removeFolder } from '../../../runner/lib/disk/remove-folder.ts';

/** A runner that is not root: answers requests on a workspace, and removes folders. Its plan comes on standard input. */
const { workspace, requests, remove }: { workspace: string; requests: TreeRequest[]; remove: string[] } = JSON.parse(
  readFileSync(0, 'utf8'),
);

async function* nothing(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from('words'));
}

const answers = [];
for (const request of requests) {
  const answer = await answerRequest({ request, workspace, as: undefined, limits: null, body: nothing(), start: null });
  const chunks: Uint8Array[] = [];
  let refusal = answer.ok ? undefined : answer.refusal;
  if (answer.ok) {
    try {
      for await (const chunk of answer.body) chunks.push(chunk);
    } catch (error) {
      if (!(error instanceof FilesRefused)) throw error;
      refusal = error.refusal;
    }
  }
  answers.push({ refusal, body: Buffer.concat(chunks).toString('base64') });
}
await removeFolder(...remove);
process.stdout.write(JSON.stringify({ uid: process.getuid?.(), answers }));
