/** A body that is larger than allowed. */
export class BodyTooLarge extends Error {
  override name = 'BodyTooLarge';
}

/**
 * The body's chunks as they come.
 *
 * @param limit bytes
 * @throws BodyTooLarge once more than `limit` has come
 */
export async function* limitedBody(
  body: AsyncIterable<Buffer>,
  limit: number,
): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > limit) throw new BodyTooLarge(`a body of more than ${limit} bytes`);
    yield chunk;
  }
}
