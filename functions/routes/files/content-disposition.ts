/** RFC 8187 does not allow four characters that encodeURIComponent leaves as they are. */
const escape = (text: string) =>
  encodeURIComponent(text.toWellFormed()).replaceAll(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/**
 * `Content-Disposition` (RFC 6266) for a download with this name: the whole name in RFC 8187's form, and an ASCII form
 * for older clients.
 */
export function attachment(name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["%/\\]/gu, '_');
  return `attachment; filename="${plain}"; filename*=UTF-8''${escape(name)}`;
}
