/** One event of a stream (the API's Server-Sent Events). */
export interface StreamedEvent {
  readonly type: string;
  /** The envelope, as JSON text. */
  readonly json: string;
}

/**
 * Reads a stream of the API until it ends or `stop` is aborted. Either way the stream is then cancelled, so that
 * nothing waits at its other end.
 *
 * @throws when the stream breaks
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  stop: AbortSignal,
): AsyncGenerator<StreamedEvent, void, undefined> {
  const reader = body.getReader();
  // The read that waits then ends as at the end of the stream. One that has broken says so to the read.
  const cancel = () => void reader.cancel().catch(() => {});
  stop.addEventListener('abort', cancel, { once: true });
  const decoder = new TextDecoder();
  let text = '';
  try {
    while (!stop.aborted) {
      const { done, value } = await reader.read();
      if (done) return;
      const from = Math.max(0, text.length - 1);
      text += decoder.decode(value, { stream: true });
      for (let end = text.indexOf('\n\n', from); end !== -1; end = text.indexOf('\n\n')) {
        const event = eventOf(text.slice(0, end));
        text = text.slice(end + 2);
        if (event !== null) yield event;
      }
    }
  } finally {
    stop.removeEventListener('abort', cancel);
    await reader.cancel();
  }
}

/** Null: a comment. The API writes one line of data. */
function eventOf(block: string): StreamedEvent | null {
  const lines = block.split('\n');
  const type = lines.find((line) => line.startsWith('event: '))?.slice('event: '.length);
  const json = lines.find((line) => line.startsWith('data: '))?.slice('data: '.length);
  return type === undefined || json === undefined ? null : { type, json };
}
