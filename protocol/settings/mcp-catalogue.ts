import * as z from 'zod';

/** What a session has to give a preset, beside its name. For people: docs/mcp-servers.md shows it. */
const needs = {
  /** What it is for. */
  purpose: z.string(),
  /** Hosts that `config.network` has to allow. */
  network: z.array(z.string()),
  /** What `config.secrets` has to name. */
  secrets: z.array(z.string()),
  /** What it cannot do here. */
  limits: z.string(),
};

/**
 * One MCP server of the catalogue (`container/mcp/catalogue.json`). In `args`, `env` and `headers` stand for the session's own: `{workspace}`,
 * `{config}` (kept with the transcript), `{scratch}` (gone with the container).
 */
const catalogueServer = z.union([
  z.strictObject({
    ...needs,
    /** npm package whose program it is; pinned in package.json. */
    package: z.string(),
    /** Its program, a file of the package's, run by Node. */
    program: z.string(),
    args: z.array(z.string()).default([]),
    env: z.record(z.string(), z.string()).default({}),
    /** Optional dependencies of the package that it needs here; the others are left out of the image. */
    with: z.array(z.string()).default([]),
    /** Files that the image may lack, and what to do then. */
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
