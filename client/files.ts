import { signalOf, type CallOptions } from './options.ts';
import { CcDockerError } from './error.ts';
import type { Http } from './http/http.ts';
import { upload, type UploadBody, type UploadOptions } from './http/upload.ts';
import { allPages } from './paging.ts';
import { sessionPath } from './stream/connection.ts';
import type { ChangeList, FileChange, FileEntry, FileList, Ticket, WrittenFiles } from './types.ts';

export interface WriteOptions extends UploadOptions {
  /** Its permissions, octal, such as `0755`. */
  readonly mode?: string | undefined;
}

export interface ReadOptions extends CallOptions {
  /** A part: as the header `Range`, such as `bytes=0-99`. */
  readonly range?: string | undefined;
}

/** Files of a session's workspace. A path is within it, with `/` between; `''` is the workspace itself. */
export class SessionFiles {
  readonly #http: Http;
  readonly #base: string;

  constructor(http: Http, sessionId: string) {
    this.#http = http;
    this.#base = sessionPath(sessionId);
  }

  /** A folder's entries. */
  list(path = '', options: CallOptions & { readonly recursive?: boolean } = {}): AsyncGenerator<FileEntry, void> {
    return allPages(async (cursor) => {
      const query = new URLSearchParams({ recursive: String(options.recursive ?? false), limit: '1000' });
      if (cursor !== undefined) query.set('cursor', cursor);
      const answer = await this.#http.raw(`${this.#url(path)}?${query.toString()}`, signalOf(options));
      if (!isFolder(answer)) throw await isNot('not_a_directory', answer, path);
      return (await answer.json()) as FileList;
    });
  }

  /** A file, as the answer of `fetch`: `.text()`, `.arrayBuffer()`, `.body` (a stream), `.headers`. */
  async read(path: string, options: ReadOptions = {}): Promise<Response> {
    const { range } = options;
    const headers = { ...(range !== undefined && { range }) };
    const answer = await this.#http.raw(this.#url(path), { ...signalOf(options), headers });
    if (isFolder(answer)) throw await isNot('not_a_file', answer, path);
    return answer;
  }

  /** A folder with all that is in it, as a tar archive. */
  async pack(path = '', options: CallOptions = {}): Promise<Response> {
    return await this.#http.raw(`${this.#url(path)}?format=tar`, signalOf(options));
  }

  /** Writes a file, with the folders that it needs. Any size. */
  async write(path: string, body: UploadBody, options: WriteOptions = {}): Promise<WrittenFiles> {
    const query = new URLSearchParams({ format: 'file', ...(options.mode !== undefined && { mode: options.mode }) });
    return await upload(this.#http, `${this.#url(path)}?${query.toString()}`, body, options);
  }

  /** Unpacks a tar archive into a folder. */
  async unpack(path: string, archive: UploadBody, options: UploadOptions = {}): Promise<WrittenFiles> {
    return await upload(this.#http, `${this.#url(path)}?format=tar`, archive, options);
  }

  /** Deletes a file. @param options `recursive`: or a folder with all that is in it */
  async remove(path: string, options: CallOptions & { readonly recursive?: boolean } = {}): Promise<void> {
    const url = `${this.#url(path)}?recursive=${options.recursive ?? false}`;
    await this.#http.remove(url, 'file_not_found', signalOf(options));
  }

  /** What has changed since the session's start. */
  async diff(options: CallOptions = {}): Promise<FileChange[]> {
    const answer = await this.#http.raw(`${this.#base}/diff?format=json`, signalOf(options), { answer: 'json' });
    return ((await answer.json()) as ChangeList).data;
  }

  /** The same as a patch for `git apply`. */
  async patch(options: CallOptions = {}): Promise<string> {
    const answer = await this.#http.raw(`${this.#base}/diff?format=patch`, signalOf(options), { answer: 'text' });
    return await answer.text();
  }

  /** Deletes the copy that is an artifact. The file that it was made of stays. */
  async removeArtifact(artifactId: string, options: CallOptions = {}): Promise<void> {
    const url = `${this.#base}/artifacts/${encodeURIComponent(artifactId)}`;
    await this.#http.remove(url, 'artifact_not_found', signalOf(options));
  }

  /** The bytes of an artifact. */
  async artifact(artifactId: string, options: ReadOptions = {}): Promise<Response> {
    const { range } = options;
    const headers = { ...(range !== undefined && { range }) };
    return await this.#http.raw(this.#artifact(artifactId), { ...signalOf(options), headers });
  }

  /**
   * An address from which a browser downloads a file by itself, once, within 30 s: a ticket is in it, and no token.
   *
   * @param options `tar`: a folder with all that is in it
   */
  async address(path: string, options: CallOptions & { readonly tar?: boolean } = {}): Promise<string> {
    return await this.#ticketed(`${this.#url(path)}?${options.tar === true ? 'format=tar&' : ''}`, options);
  }

  /** The same for the bytes of an artifact. */
  async artifactAddress(artifactId: string, options: CallOptions = {}): Promise<string> {
    return await this.#ticketed(`${this.#artifact(artifactId)}?`, options);
  }

  async #ticketed(path: string, options: CallOptions): Promise<string> {
    const init = { ...signalOf(options), method: 'POST' };
    const answer = await this.#http.raw(`${this.#base}/tickets`, init, { answer: 'json', repeatable: true });
    const { ticket } = (await answer.json()) as Ticket;
    return `${this.#http.url}${path}ticket=${encodeURIComponent(ticket)}`;
  }

  #artifact(artifactId: string): string {
    return `${this.#base}/artifacts/${encodeURIComponent(artifactId)}/content`;
  }

  #url(path: string): string {
    return `${this.#base}/files/${path.split('/').map(encodeURIComponent).join('/')}`;
  }
}

/** Of a file its bytes come, whatever it holds. Of a folder, its entries. */
const isFolder = ({ headers }: Response) => headers.get('content-type')?.startsWith('application/json') === true;

async function isNot(code: 'not_a_file' | 'not_a_directory', answer: Response, path: string): Promise<CcDockerError> {
  await answer.body?.cancel();
  const detail = code === 'not_a_file' ? `${path || '/'} is a folder.` : `${path} is a file.`;
  return new CcDockerError({ code, detail, retryable: false });
}
