/**
 * For a page's first script: its browser subscribes at the stand-in push service. Chromium subscribes at Google's alone, which no test
 * reaches, and in a private window nowhere.
 */
export function subscribesAt({
  endpoint,
  keys,
}: {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}): string {
  const subscription = JSON.stringify({ endpoint, keys, expirationTime: null });
  return `{
    const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const one = (key) => ({
      options: { userVisibleOnly: true, applicationServerKey: bytes(key).buffer },
      toJSON: () => (${subscription}),
      unsubscribe: async () => { sessionStorage.removeItem('stand-in'); return true; },
    });
    PushManager.prototype.subscribe = async ({ applicationServerKey: key }) => {
      sessionStorage.setItem('stand-in', key);
      return one(key);
    };
    PushManager.prototype.getSubscription = async () => {
      const key = sessionStorage.getItem('stand-in');
      return key === null ? null : one(key);
    };
  }`;
}
