// Plain JavaScript, so that a Node that is too old for the rest can still run this.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Node ${process.versions.node} is too old: CC-Docker needs 22.18 or newer. \`npm install\` puts one into node_modules; ` +
      'npm scripts use it, unless its install script was blocked (`npm rebuild node` then helps).',
  );
  process.exit(1);
}

// Node reads its sources as an earlier process has compiled them, and does not load its compiler of TypeScript: 30 MB less for
// each process (`warm-cache.mjs`). The parts of a service find it by this variable. A folder that cannot be written is no cache.
const { enableCompileCache } = await import('node:module');
const { fileURLToPath } = await import('node:url');
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url));
enableCompileCache(process.env['NODE_COMPILE_CACHE']);
