const CHUNK = 64 * 1024;

/** Streams `{…before, "data": […items], …after()}`. */
export async function* jsonList(
  before: Record<string, unknown>,
  items: AsyncIterable<unknown>,
  after: () => Record<string, unknown> = () => ({}),
): AsyncGenerator<Buffer> {
  let text = `${JSON.stringify(before).slice(0, -1)},"data":[`;
  let first = true;
  for await (const item of items) {
    text += `${first ? '' : ','}${JSON.stringify(item)}`;
    first = false;
    if (text.length < CHUNK) continue;
    yield Buffer.from(text);
    text = '';
  }
  const rest = JSON.stringify(after()).slice(1);
  yield Buffer.from(`${text}]${rest === '}' ? '' : ','}${rest}`);
}
