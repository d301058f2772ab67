import { signalOf, type CallOptions } from '../options.ts';
import type { WrittenFiles } from '../types.ts';
import type { Http } from './http.ts';
import { putByXhr, xhrOf, type Progress } from './xhr.ts';

export type UploadBody = Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array>;

export interface UploadOptions extends CallOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Sends bytes. What is no stream is sent again when the network fails. */
export async function upload(
  http: Http,
  path: string,
  body: UploadBody,
  options: UploadOptions,
): Promise<WrittenFiles> {
  const { onProgress } = options;
  const isStream = body instanceof ReadableStream;
  const Xhr = xhrOf();
  // A browser neither streams a body over HTTP/1.1, nor says how much of one is sent: XMLHttpRequest does.
  if (Xhr !== undefined && (isStream || onProgress !== undefined)) {
    const blob = isStream ? await new Response(body).blob() : new Blob([body]);
    const fetch = (request: Request) => putByXhr(Xhr, request, blob, onProgress);
    const answer = await http.raw(path, { ...signalOf(options), method: 'PUT' }, { answer: 'json', fetch });
    return (await answer.json()) as WrittenFiles;
  }
  const init = { ...signalOf(options), method: 'PUT', headers: { 'content-type': 'application/octet-stream' } };
  if (!isStream && onProgress === undefined) {
    return (await (await http.raw(path, { ...init, body }, { answer: 'json' })).json()) as WrittenFiles;
  }
  const blob = isStream ? null : new Blob([body]);
  const total = blob?.size ?? null;
  const stream = () => (isStream ? body : new Blob([body]).stream()).pipeThrough(counted(total, onProgress));
  // What `lib.dom.d.ts` does not know: https://fetch.spec.whatwg.org/#dom-requestinit-duplex
  const streamed = (): RequestInit & { duplex: 'half' } => ({ ...init, body: stream(), duplex: 'half' });
  const answer = await http.raw(path, streamed, { answer: 'json', ...(isStream && { retries: 0 }) });
  return (await answer.json()) as WrittenFiles;
}

/** Passes bytes on, and says how many. */
function counted(total: number | null, onProgress: UploadOptions['onProgress']) {
  let sent = 0;
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      controller.enqueue(chunk);
      sent += chunk.byteLength;
      onProgress?.({ sent, total });
    },
  });
}
