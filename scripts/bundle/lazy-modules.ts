import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Plugin, transform } from 'esbuild';

/** What the bundle's own URL is called in it. */
export const BUNDLE_URL = '__bundleUrl';

/** The namespace of esbuild in which no `package.json` says that a module is of ES. */
const LAZY = 'lazy';
/** The names of zod that a module uses, in the place of zod. */
const ZOD = 'zod-names';

/**
 * Has each module of the bundle begin when something of it is first used, as the plugin of Babel does that makes CommonJS modules (its
 * option `lazy`). A session that runs no terminal, clones nothing and asks nobody then never pays for what these need; and a schema
 * of zod costs ten KB and 70 µs. Node's own modules come from `getBuiltinModule`: an `import` of `node:http` has Node
 * read all that it exports, and so load `fetch`, for 40 ms and 8 MB.
 *
 * Sources are ES modules with named imports, without side effects and without circles (`npm run check`), so that the order in
 * which they begin shows nowhere. The entry may await.
 *
 * @param folders the folders of such sources
 */
export function lazyModules(folders: readonly string[]): Plugin {
  const isOwn = (file: string): boolean => folders.some((folder) => file.startsWith(folder + path.sep));
  return {
    name: 'lazy-modules',
    setup: (bundler) => {
      bundler.onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ path: name, resolveDir, kind }) => {
        if (kind === 'entry-point') return undefined;
        const file = path.resolve(resolveDir, name);
        return isOwn(file) ? { path: file, namespace: LAZY } : undefined;
      });
      bundler.onResolve({ filter: /^zod\?/ }, ({ path: name }) => ({ path: name, namespace: ZOD }));
      bundler.onLoad({ filter: /.*/, namespace: ZOD }, ({ path: name }) => {
        // Only what is named is bundled.
        const contents = `export { ${name.slice(name.indexOf('?') + 1)} } from 'zod';`;
        return { contents, resolveDir: folders[0] ?? '' };
      });
      bundler.onLoad({ filter: /\.ts$/ }, async ({ path: file, namespace }) => {
        if (namespace !== LAZY && !isOwn(file)) return undefined;
        const source = await readFile(file, 'utf8');
        const contents = await lazyModule(namespace === LAZY ? source : withoutAwait(source), file);
        return { contents, loader: 'js', resolveDir: path.dirname(file) };
      });
    },
  };
}

/** Puts all but the imports into an async function, because CommonJS has no `await` beside functions. */
function withoutAwait(source: string): string {
  const imports = source.match(/^import\b[^;]*;$/gm) ?? [];
  const rest = imports.reduce((text, one) => text.replace(one, ''), source);
  return `${imports.join('\n')}\nvoid (async () => {\n${rest}\n})();`;
}

/** What esbuild writes at the end of what it adds to a module. */
const END_OF_HELPERS = 'module.exports = __toCommonJS(stdin_exports);\n';

/** A module that exports nothing has its imports right after them. */
function withoutHelpers(code: string): string {
  const end = code.indexOf(END_OF_HELPERS);
  return code.slice(end === -1 ? Math.max(0, code.search(/^var import_/m)) : end + END_OF_HELPERS.length);
}

/** The text of a CommonJS module whose imports begin when they are first used. @throws when the source is not as `lazyModules` says */
async function lazyModule(source: string, file: string): Promise<string> {
  const given = await transform(source.replace(/^import \* as z from 'zod';$/m, "import { z } from 'zod';"), {
    loader: 'ts',
    format: 'cjs',
    target: 'node24',
    define: { 'import.meta.url': BUNDLE_URL },
  });
  const names = /__export\(stdin_exports, \{\n([^}]*)\n\}\);\n/.exec(given.code)?.[1] ?? '';
  let code = withoutHelpers(given.code);
  const holders: string[] = [];
  code = code.replace(
    /^var (import_\w+) = (?:__toESM\()?require\("([^"]+)"\)\)?;$/gm,
    (_, holder: string, name: string) => {
      holders.push(holder);
      return `var ${holder} = { get $() { const value = ${required(name, holder, code)}; Object.defineProperty(this, "$", { value }); return value; } };`;
    },
  );
  for (const holder of holders)
    // The default of a module of Node is the module.
    code = code.replaceAll(new RegExp(`\\b${holder}\\b(?:\\.default\\b)?(?! = \\{ get)`, 'g'), () => `${holder}.$`);
  code = code.replaceAll(/__toESM\((require\("\.[^"]+"\))\)/g, '$1');
  if (/__toESM|require\("(?!\.|zod\?)/.test(code))
    throw new Error(`${file}: only named imports can wait until they are used`);
  const exported = [...names.matchAll(/^ {2}(\w+): \(\) => (\w+),?$/gm)];
  return code + exported.map(([, name, local]) => `exports.${name} = ${local};\n`).join('');
}

/** The expression that begins a module. */
function required(name: string, holder: string, code: string): string {
  if (name.startsWith('node:')) return `process.getBuiltinModule("${name}")`;
  if (name !== 'zod') return `require("${name}")`;
  const used = new Set([...code.matchAll(new RegExp(`\\b${holder}\\.z\\.(\\w+)`, 'g'))].map(([, one]) => one));
  return `{ z: require("zod?${[...used].join(', ')}") }`;
}
