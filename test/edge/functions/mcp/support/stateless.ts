/** What each request of revision 2026-07-28 says of itself, for there is no handshake before it: in headers, and in its `_meta`. */
export function stateless(method: string, name?: string, revision = '2026-07-28') {
  return {
    headers: {
      'mcp-protocol-version': revision,
      'mcp-method': method,
      ...(name !== undefined && { 'mcp-name': name }),
    },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': revision,
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '0' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  };
}
