/** As RFC 8187 wants it: encodeURIComponent leaves four characters as they are that may not stand there. */
const escape = (text: string) =>
  encodeURIComponent(text.toWellFormed()).replaceAll(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** `Content-Disposition` (RFC 6266) of what is to be saved under this name: whole for who knows RFC 8187, in ASCII for who does not. */
export function attachment(name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["%/\\]/gu, '_');
  return `attachment; filename="${plain}"; filename*=UTF-8''${escape(name)}`;
}
