import * as z from 'zod';

/** What a session must set for a preset, besides its name. For people: docs/mcp-servers.md shows it. */
const needs = {
  /** What it is for. */
  purpose: z.string(),
  /** Hosts that `config.network` must allow. */
  network: z.array(z.string()),
  /** Secrets that `config.secrets` must name. */
  secrets: z.array(z.string()),
  /** What it cannot do here. */
  limits: z.string(),
};

/**
 * One MCP server of the catalogue (`container/mcp/catalogue.json`). In `args`, `env` and `headers` these stand for folders of
 * the session: `{workspace}`, `{config}` (saved with the transcript), `{scratch}` (gone with the container).
 */
const catalogueServer = z.union([
  z.strictObject({
    ...needs,
    /** The npm package of the server; pinned in `container/mcp/package.json`. */
    package: z.string(),
    /** The file of the package that Node runs. */
    program: z.string(),
    args: z.array(z.string()).default([]),
    env: z.record(z.string(), z.string()).default({}),
    /** Files that the server needs and the image may lack, with what to do then. */
    requires: z.array(z.strictObject({ file: z.string(), remedy: z.string() })).default([]),
  }),
  z.strictObject({
    ...needs,
    type: z.enum(['http', 'sse']),
    url: z.url(),
    headers: z.record(z.string(), z.string()).default({}),
  }),
]);
export type CatalogueServer = z.infer<typeof catalogueServer>;

/** The catalogue: presets by name. */
export const mcpCatalogue = z.record(z.string(), catalogueServer);
export type McpCatalogue = z.infer<typeof mcpCatalogue>;
