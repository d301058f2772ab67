import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';

const SOURCE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const OPTIONS: RunOptions = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  resultTypes: ['violations'],
};

let source: Promise<string> | undefined;

/**
 * What axe-core finds wrong with a page as it is now, a line for each element: empty where nothing is. The debugger brings axe into the
 * page, which no CSP holds back, so the page's own stays as it is.
 *
 * @param only the rules that are looked at; absent: all
 * @param allowed rules that do not count here, with the reason beside the call
 */
export async function axe(
  page: Page,
  { only, allowed = [] }: { readonly only?: string[]; readonly allowed?: readonly string[] } = {},
): Promise<string[]> {
  source ??= readFile(SOURCE, 'utf8');
  if (!(await page.evaluate<boolean>("typeof axe === 'object'"))) await page.evaluate(await source);
  const options = only === undefined ? OPTIONS : { ...OPTIONS, runOnly: only };
  const { violations } = await page.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(options)})`);
  return violations
    .filter(({ id }) => !allowed.includes(id))
    .flatMap(({ id, help, nodes }) => nodes.map(({ html, any }) => `${id}: ${help}: ${html} ${any[0]?.message ?? ''}`));
}
