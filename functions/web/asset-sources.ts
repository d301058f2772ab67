/**
 * Files that browsers and tools get as they are. They are too large for the Worker's bundle: each platform serves them beside it, as the
 * binding `ASSETS` (docs/deploy.md). By name, where each is in the project.
 */
export const ASSETS = {
  'openapi.json': 'docs/openapi.json',
  'swagger-ui-bundle.js': 'node_modules/swagger-ui-dist/swagger-ui-bundle.js',
  'swagger-ui.css': 'node_modules/swagger-ui-dist/swagger-ui.css',
} as const;
export type AssetName = keyof typeof ASSETS;
