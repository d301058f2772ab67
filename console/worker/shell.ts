import { shellFiles, shellVersion, worker } from './scope.ts';

/** The console's own files, kept whole for one version: a page finds the files of its own version until it is loaded anew. */

const PREFIX = 'cc-docker-shell-';
const NAME = PREFIX + shellVersion;
/** The one document of all pages. */
const DOCUMENT = '/';
/** The console's pages (`functions/console/pages.ts`). */
const PAGE = /^\/(?:$|sessions(?:\/|$)|notifications$)/;
/** How long a page waits for a service that does not answer, before it opens as it was kept, milliseconds. */
const PATIENCE_MS = 4000;

/** Keeps all files of this version. It is installed only once it has them. */
export async function keepShell(): Promise<void> {
  const cache = await caches.open(NAME);
  await cache.addAll([new Request(DOCUMENT, { cache: 'reload' }), ...shellFiles]);
}

/** The earlier versions are not needed any more. */
export async function takeOver(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX) && name !== NAME).map((name) => caches.delete(name)),
  );
  await worker.clients.claim();
}

/** The answer to a request of the console for a file of its own; null: it is none, and goes to the service as it is. */
export function answerOf(request: Request): Promise<Response> | null {
  if (request.method !== 'GET') return null;
  const { origin, pathname } = new URL(request.url);
  if (origin !== worker.location.origin) return null;
  if (request.mode === 'navigate') return PAGE.test(pathname) ? page(request) : null;
  return shellFiles.includes(pathname) ? file(request) : null;
}

/** From the service, or where that does not answer, as it was kept. */
async function page(request: Request): Promise<Response> {
  const kept = await (await caches.open(NAME)).match(DOCUMENT);
  if (kept === undefined) return await fetch(request);
  try {
    return await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    // The page says itself that the service is away.
    return kept;
  }
}

/** Its name changes with what is in it, so what is kept is what the service has. */
async function file(request: Request): Promise<Response> {
  return (await (await caches.open(NAME)).match(request)) ?? (await fetch(request));
}
