import { writeFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

/**
 * An MCP server whose one tool, `wait`, never answers. Once its client has given a call up, the file that is named has come to be.
 *
 * `node silent-mcp-server.ts FILE`
 */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: silent-mcp-server.ts FILE');
const server = new McpServer({ name: 'silent', version: '1' });
server.registerTool('wait', { annotations: { readOnlyHint: true } }, ({ signal }) => {
  signal.addEventListener('abort', () => writeFileSync(file, 'given up'));
  return new Promise(() => {});
});
await server.connect(new StdioServerTransport());
