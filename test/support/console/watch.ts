import type { BrowserContext, Page } from 'playwright-core';

/** What a browser did that no page of the console may do, in words. */
export interface Watch {
  /** The addresses of all requests that pages have made, in order; not those of a service worker, which fetches ahead. */
  readonly requests: readonly string[];
  readonly problems: readonly string[];
}

/** Told by each page itself, for the browser's log has only a sentence. */
const REPORT_VIOLATIONS = `document.addEventListener('securitypolicyviolation', (event) =>
  reportViolation(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sourceFile + ':' + event.lineNumber + ' ' + event.sample))`;

/**
 * Watches all pages of a browser's context, those too that are opened later: requests that leave the origin, errors on the console,
 * errors that nobody catches, violations of the CSP, pages that crash.
 *
 * @param origins those that may be asked: the service's own. Previews below `localhost` at its port are in frames, and may be, too
 */
export async function watch(context: BrowserContext, origin: string): Promise<Watch> {
  const requests: string[] = [];
  const problems: string[] = [];
  const { port } = new URL(origin);
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (request.serviceWorker() === null) requests.push(url.href);
    const isPreview =
      request.serviceWorker() === null &&
      url.hostname.endsWith('.localhost') &&
      url.port === port &&
      request.frame().parentFrame() !== null;
    const isOwn = url.origin === origin || url.protocol === 'data:' || url.protocol === 'blob:';
    if (!isOwn && !isPreview) problems.push(`a request left the origin: ${url.href}`);
  });
  context.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => {
    problems.push(`nobody caught: ${error.error().stack ?? error.error().message}`);
  });
  context.on('page', (page: Page) => page.on('crash', () => problems.push('the page crashed')));
  await context.exposeFunction('reportViolation', (told: string) => {
    problems.push(`the CSP was violated: ${told}`);
  });
  await context.addInitScript(REPORT_VIOLATIONS);
  return { requests, problems };
}
