import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** Files that a Git LFS server has, by the SHA-256 of their bytes. */
export class LfsStore {
  readonly #objects = new Map<string, string>();

  /** Keeps a file. @returns the pointer that takes its place in a repository */
  add(content: string): string {
    const { pointer, id } = pointerOf(content);
    this.#objects.set(id, content);
    return pointer;
  }

  /**
   * Answers a request for a file, or for where files are (Git LFS's batch API). False: it is about something else.
   *
   * @param origin where the files are had, such as `https://git.test`
   */
  answer(origin: string, request: IncomingMessage, response: ServerResponse): boolean {
    const { url = '' } = request;
    const object = /\/lfs-objects\/([0-9a-f]{64})$/.exec(url)?.[1];
    if (object !== undefined) {
      response.end(this.#objects.get(object) ?? '');
      return true;
    }
    if (!url.endsWith('/info/lfs/objects/batch')) return false;
    void text(request).then((body) => {
      const { objects } = JSON.parse(body) as { objects: { oid: string; size: number }[] };
      const answered = objects.map(({ oid, size }) =>
        this.#objects.has(oid)
          ? { oid, size, actions: { download: { href: `${origin}/lfs-objects/${oid}` } } }
          : { oid, size, error: { code: 404, message: 'no such object' } },
      );
      response.writeHead(200, { 'content-type': 'application/vnd.git-lfs+json' });
      response.end(JSON.stringify({ transfer: 'basic', objects: answered }));
    });
    return true;
  }
}

/** The pointer to a file that no server has. */
export function pointerOf(content: string): { pointer: string; id: string } {
  const id = createHash('sha256').update(content).digest('hex');
  const size = Buffer.byteLength(content);
  return { id, pointer: `version https://git-lfs.github.com/spec/v1\noid sha256:${id}\nsize ${size}\n` };
}
