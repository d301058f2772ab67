import { readFile } from 'node:fs/promises';
import type { Plugin } from 'vitest/config';

const POINTER = /^\/\/# sourceMappingURL=.*$/m;

/**
 * A plugin of Vite that reads packages without their source maps. `npm install` leaves those out (`postinstall`), and Vite would
 * write ten lines about each that it does not find.
 */
export const noSourceMaps: Plugin = {
  name: 'no-source-maps',
  enforce: 'pre',
  load: {
    // Not what Vite itself has bundled, which is in `.vite`. It adds a version to the path of all others.
    filter: { id: /\/node_modules\/(?!\.)[^?]*\.[cm]?js(\?v=\w+)?$/ },
    handler: async (id) => {
      const code = await readFile(id.replace(/\?.*$/, ''), 'utf8');
      return POINTER.test(code) ? { code: code.replace(POINTER, ''), map: null } : null;
    },
  },
};
