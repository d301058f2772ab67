import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Plugin } from 'esbuild';
import { PROJECT } from '../../start/lib/project.ts';

/** Where xterm's `lib/xterm.mjs` styles in a way that a page without `unsafe-inline` forbids, and what stands there instead. */
const INSTEAD: readonly { readonly found: RegExp; readonly times: number; readonly by: string }[] = [
  // <style> elements: a constructable style sheet each.
  { found: /[\w.]+\.createElement\("style"\)/g, times: 3, by: 'styleSheetElement()' },
  // Attributes `style`: the same by CSSOM.
  { found: /(\w+)\.setAttribute\("style",(`[^`]*`)\)/g, times: 1, by: '$1.style.cssText=$2' },
];

/**
 * For esbuild: xterm.js, whose styles a page's policy without `unsafe-inline` allows. Its option `documentOverride` does not reach all
 * places (6.0.0), and a nonce does not go with a page that is kept (`console/worker/`).
 *
 * The build fails when a version of xterm has these places otherwise: look there what it does now.
 */
export const xtermStyleSheets: Plugin = {
  name: 'xterm-style-sheets',
  setup(build) {
    build.onLoad({ filter: /@xterm\/xterm\/lib\/xterm\.mjs$/ }, async ({ path: file }) => {
      let contents = await readFile(file, 'utf8');
      for (const { found, times, by } of INSTEAD) {
        const there = [...contents.matchAll(found)].length;
        if (there !== times) throw new Error(`xterm.mjs has ${String(found)} ${there} times, not ${times}`);
        contents = contents.replace(found, by);
      }
      const sheets = path.join(PROJECT, 'console/session/terminal/xterm/style-sheet-element.ts');
      return { contents: `import { styleSheetElement } from ${JSON.stringify(sheets)};${contents}`, loader: 'js' };
    });
  },
};
