/** The body is larger than allowed. */
export class BodyTooLarge extends Error {
  override name = 'BodyTooLarge';
}

/**
 * Passes the body's chunks through, up to a limit.
 *
 * @param limit bytes
 * @throws BodyTooLarge
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
