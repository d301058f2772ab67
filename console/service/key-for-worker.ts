const DATABASE = 'cc-docker.page-key';
const STORE = 'keys';
const ONLY = 'key';

/** Keeps the key of this origin's pages where its worker reads it. */
export async function keepKeyForWorker(key: string): Promise<void> {
  await within('readwrite', (store) => store.put(key, ONLY));
}

/** The key of this origin's pages; null: nobody has signed in with one. */
export async function keyForWorker(): Promise<string | null> {
  const found: unknown = await within('readonly', (store) => store.get(ONLY));
  return typeof found === 'string' ? found : null;
}

export async function forgetKeyOfWorker(): Promise<void> {
  await done(indexedDB.deleteDatabase(DATABASE));
}

async function within<T>(mode: IDBTransactionMode, use: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.addEventListener('upgradeneeded', () => opening.result.createObjectStore(STORE));
  const database = await done(opening);
  try {
    return await done(use(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB says no more')));
  });
}
