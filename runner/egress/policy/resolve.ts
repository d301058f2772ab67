import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';

/** Returns all addresses of a name, in the system's order. @throws an error with the system's code if there is none */
export type Lookup = (host: string) => Promise<string[]>;

export type Resolved = { ok: true; addresses: string[] } | { ok: false; why: string };

/** Concurrent lookups of one session. They use the process's few pool threads, which file access needs too. */
const AT_ONCE = 2;
const MAX_ADDRESSES = 16;

export const systemLookup: Lookup = async (host) => {
  const found = await lookup(host, { all: true, verbatim: true });
  return found.map(({ address }) => address);
};

/** Resolves one session's names. Requests for the same name at the same time share one lookup. */
export class Resolver {
  readonly #lookup: Lookup;
  readonly #timeoutMs: number;
  readonly #pending = new Map<string, Promise<Resolved>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(lookup: Lookup, timeoutMs: number) {
    this.#lookup = lookup;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @param host canonical; an address resolves to itself
   * @param signal stops waiting
   */
  async resolve(host: string, signal: AbortSignal): Promise<Resolved> {
    if (isIP(host) !== 0) return { ok: true, addresses: [host] };
    const pending = this.#pending.get(host) ?? this.#lookUp(host);
    this.#pending.set(host, pending);
    const waited = Promise.withResolvers<Resolved>();
    const stop = (): void => waited.resolve({ ok: false, why: 'its name was not resolved in time' });
    const timer = setTimeout(stop, this.#timeoutMs);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    const resolved = await Promise.race([pending, waited.promise]);
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    return resolved;
  }

  async #lookUp(host: string): Promise<Resolved> {
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      const addresses = [...new Set(await this.#lookup(host))].slice(0, MAX_ADDRESSES);
      return addresses.length > 0 ? { ok: true, addresses } : { ok: false, why: 'its name has no address' };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed';
      return { ok: false, why: `its name cannot be resolved: ${code}` };
    } finally {
      this.#pending.delete(host);
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

/** This machine's own addresses, in the form that `judgeAddress` expects. */
export function ownAddresses(): Set<string> {
  const own = new Set<string>();
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address } of addresses ?? []) own.add(ipaddr.parse(address.replace(/%.*$/, '')).toString());
  }
  return own;
}
