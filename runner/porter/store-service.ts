import { writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ORDER_LIMIT, ordersDone, REQUEST_HEADER, storeRequest } from '../../protocol/link/porter.ts';
import type { StoredObject } from '../storage/object-store.ts';
import { FolderStore } from '../storage/folder-store.ts';
import { FINAL_FILE, shuttleStore } from './shuttle-folder.ts';

/** Longest object that a porter may put: a pack, with some room. */
const LONGEST = 64 * 1024 * 1024;

/** What a porter may do with its own session's shuttle, and no other's. */
export class StoreService {
  readonly #root: string;
  readonly #store: FolderStore;
  #opened: Promise<void> | undefined;

  /** @param root the session's folder */
  constructor(root: string) {
    this.#root = root;
    this.#store = new FolderStore(shuttleStore(root));
  }

  /** @throws when the request is none, or cannot be carried out */
  async serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const request = storeRequest.parse(JSON.parse(String(headers[REQUEST_HEADER])));
    await (this.#opened ??= this.#store.open());
    switch (request.op) {
      case 'id':
        return answer(stream, Buffer.from(this.#store.id));
      case 'get': {
        const found = await this.#store.get(request.key, request.range);
        return found === null ? refuse(stream, 404) : answer(stream, found);
      }
      case 'has':
        return (await this.#store.has(request.key)) ? answer(stream) : refuse(stream, 404);
      case 'list': {
        const found: StoredObject[] = [];
        for await (const one of this.#store.list(request.prefix)) found.push(one);
        return answer(stream, Buffer.from(JSON.stringify(found)));
      }
      case 'remove':
        await this.#store.remove([request.key]);
        return answer(stream);
      case 'put': {
        const length = Number(headers['content-length'] ?? Number.NaN);
        if (!(length <= LONGEST)) return refuse(stream, 413);
        const body = await buffer(stream);
        // A part of an object is none.
        if (body.length !== length) throw new Error('the object broke off');
        await this.#store.put(request.key, body);
        return answer(stream);
      }
    }
  }

  /** A porter has carried out an order, or has saved what its session left. */
  async done(stream: ServerHttp2Stream): Promise<{ order: number | null; problem: string | null }> {
    const body = await buffer(stream);
    if (body.length > ORDER_LIMIT) throw new Error('the report is too long');
    const report = ordersDone.parse(JSON.parse(body.toString()));
    if (report.order === null && report.problem === null)
      await writeFile(path.join(this.#root, FINAL_FILE), '', { mode: 0o600 });
    answer(stream);
    return report;
  }
}

function answer(stream: ServerHttp2Stream, body: Uint8Array = Buffer.alloc(0)): void {
  stream.respond({ ':status': 200 });
  stream.end(body);
}

function refuse(stream: ServerHttp2Stream, status: number): void {
  stream.respond({ ':status': status });
  stream.end();
}
