// Plain JavaScript, so that a Node that is too old for the rest can still run this.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Node ${process.versions.node} is too old: CC-Docker needs 22.18 or newer. \`npm install\` puts one into node_modules; ` +
      'npm scripts use it, unless its install script was blocked (`npm rebuild node` then helps).',
  );
  process.exit(1);
}
