/** Between the tries, milliseconds. */
const WAITS_MS: readonly number[] = [100, 400, 1500];

/**
 * Loads files of the console, again where that fails. Chromium drops all requests that wait for a connection when its machine gets
 * another network address (`ERR_NETWORK_CHANGED`), and each container that starts on the machine gives it one.
 *
 * @throws what the last try threw: the service cannot be reached, or it has another version now, which does not have this one's files
 */
export async function again<T>(load: () => Promise<T>): Promise<T> {
  for (const wait of WAITS_MS) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  return await load();
}
