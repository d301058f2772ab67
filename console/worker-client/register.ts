/** The one policy of the page (`trusted-types cc-docker` in its CSP): text becomes the address of code here alone. */
const WORKER = '/sw.js';

interface Policy {
  createScriptURL(url: string): string;
}
/** Of browsers that have Trusted Types. TypeScript's library does not know them; what they make takes the place of a text. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): Policy;
}

/** Has the browser keep the console's service worker; null: it has none, such as over http from another machine. */
export async function registerWorker(): Promise<ServiceWorkerRegistration | null> {
  if (!('serviceWorker' in navigator)) return null;
  return await navigator.serviceWorker.register(workerUrl(), { scope: '/', updateViaCache: 'none' });
}

function workerUrl(): string {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  if (trustedTypes === undefined) return WORKER;
  return trustedTypes.createPolicy('cc-docker', { createScriptURL: theWorker }).createScriptURL(WORKER);
}

function theWorker(url: string): string {
  if (url !== WORKER) throw new TypeError(`${url} is not the console's worker`);
  return url;
}
