import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { PAGES } from '../../../functions/console/page-paths.ts';
import { PROJECT } from '../../../start/lib/project.ts';

test('the edge serves the console at the paths of its pages', () => {
  const app = readFileSync(path.join(PROJECT, 'console/app.tsx'), 'utf8');
  const routes = [...app.matchAll(/<Route path="([^"]+)"/g)].map(([, route = '']) => route);
  // A fixed one beside it is served by the one with a parameter.
  const served = routes.filter((route) => !PAGES.includes(route));
  expect(served.filter((route) => !PAGES.some((page) => fits(page, route)))).toEqual([]);
  expect(PAGES.filter((page) => !routes.includes(page))).toEqual([]);
});

/** Whether an address of a route is one of a page's. */
const fits = (page: string, route: string) => new RegExp(`^${page.replaceAll(/:\w+/g, '[^/]+')}$`).test(route);
