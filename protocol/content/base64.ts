/** Base64 as Claude's API takes it (RFC 4648, section 4): the standard alphabet, padded, without line breaks. */
export function isBase64(data: string): boolean {
  if (data === '' || data.length % 4 !== 0) return false;
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  // Searches for what does not belong: no pattern has to match megabytes.
  return !/[^A-Za-z0-9+/]/.test(padding === 0 ? data : data.slice(0, -padding));
}

/** How many bytes the base64 text stands for. */
export function decodedBytes(data: string): number {
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  return (data.length / 4) * 3 - padding;
}
