import type { Page } from 'playwright-core';

/**
 * Runs in a page, and says what is in it that no text may make: elements and attributes that run or load something, links that lead
 * elsewhere than they may, names that were taken, prototypes that were changed.
 */
const SCAN = `(() => {
  const found = [];
  const tags = new Set(('a abbr article aside b bdi blockquote br button caption code datalist dd del details div dl dt em fieldset figcaption ' +
    'figure footer form h1 h2 h3 h4 h5 h6 header hr i img input ins kbd label legend li main mark nav noscript ol optgroup option output p ' +
    'path pre progress rect search section select small span strong sub summary sup svg table tbody td textarea th thead time tr ul ' +
    'use circle line polyline g dialog canvas meter').split(' '));
  const attributes = /^on|^(srcdoc|formaction|ping|background|poster|srcset|lowsrc|dynsrc|longdesc|usemap|action|http-equiv|is|xlink:href|attributename|values|to|begin)$/i;
  for (const element of document.body.querySelectorAll('*')) {
    const tag = element.localName;
    if (!tags.has(tag)) found.push('element ' + tag);
    for (const { name, value } of element.attributes) {
      if (attributes.test(name)) found.push('attribute ' + tag + ' ' + name + '=' + value.slice(0, 80));
      if (name === 'style' && /url\\(|expression|@import/i.test(value)) found.push('style ' + value.slice(0, 80));
      if (name === 'id' && /^(__proto__|constructor|location|document|defaultView|root|test|x|n|currentScript|trustedTypes)$/.test(value))
        found.push('id ' + value);
      if (!/^[a-zA-Z][\\w:-]*$/.test(name)) found.push('odd attribute ' + name);
    }
    if (tag === 'a' && element.hasAttribute('href')) {
      const { protocol, origin } = element;
      if (!['http:', 'https:', 'mailto:', 'blob:'].includes(protocol)) found.push('link ' + element.getAttribute('href').slice(0, 80));
      else if (protocol !== 'blob:' && origin !== location.origin && (element.target !== '_blank' || !/noopener/.test(element.rel) || !/noreferrer/.test(element.rel)))
        found.push('link that tells ' + element.href.slice(0, 80));
      else if (protocol === 'blob:' && !element.hasAttribute('download')) found.push('link to a blob');
    }
    if (tag === 'img' && !/^(blob:|$)/.test(element.src)) found.push('image ' + element.src.slice(0, 80));
  }
  if (document.querySelectorAll('base, meta[http-equiv], frameset').length > 0) found.push('a base or meta element');
  if ({}.polluted !== undefined || Object.prototype.hasOwnProperty('hit')) found.push('a prototype was changed');
  if (!(document.body instanceof HTMLBodyElement) || typeof document.getElementById !== 'function') found.push('the document was taken');
  if (globalThis.hits > 0) found.push('code ran');
  return [...new Set(found)];
})()`;

/** Counts what runs: each payload calls it in its way. Dialogs count as well. */
const CANARY = `globalThis.hits = 0; globalThis.hit = () => { globalThis.hits++; };`;

/** Before the first page is loaded. */
export async function watchForHits(page: Page): Promise<readonly string[]> {
  const dialogs: string[] = [];
  page.on('dialog', (dialog) => {
    dialogs.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.context().addInitScript(CANARY);
  return dialogs;
}

/** What in the page comes of text; empty where text is text. */
export function scan(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(SCAN);
}
