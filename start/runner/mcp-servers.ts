import { installMcpServers } from '../../container/build/mcp-packages.ts';

/**
 * The MCP servers that sessions can name where there is no image that holds them: with `RUNNER_BACKEND=process`. When they cannot be
 * had, the service goes on: a session that names one says that it is missing.
 */
export async function mcpServersWithoutImage(say: (line: string) => void, signal: AbortSignal): Promise<void> {
  const servers = await installMcpServers({ onProgress: say, signal });
  if (!servers.ok) say(`Sessions are WITHOUT the MCP servers of the catalogue: ${servers.detail}`);
}
