import { existsSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

/**
 * An MCP server that answers nothing until the file that is named is there. Its one tool is `hello`.
 *
 * `node slow-mcp-server.ts FILE`
 */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: slow-mcp-server.ts FILE');

await new Promise<void>((resolve) => {
  const watcher = watch(dirname(file), (_, name) => {
    if (name === basename(file)) look();
  });
  const look = (): void => {
    if (!existsSync(file)) return;
    watcher.close();
    resolve();
  };
  look();
});
const server = new McpServer({ name: 'slow', version: '1' });
server.registerTool('hello', { annotations: { readOnlyHint: true } }, () => ({
  content: [{ type: 'text', text: 'hello from afar' }],
}));
await server.connect(new StdioServerTransport());
