import type { Socket } from 'node:net';
import type { UpstreamProxy } from '../../lib/upstream-proxy/proxies.ts';

/** The target of an allowed connection: the canonical name, and its addresses, which the policy has judged. */
export interface EgressTarget {
  /** Lower case, no trailing dot; an IPv6 address without brackets. */
  host: string;
  port: number;
  /** The first of `addresses`. Dial only these: a second lookup of the name may give others. */
  address: string;
  addresses: readonly string[];
  /**
   * The runner has to go through this proxy, which is told to connect to `authority`: one of the addresses, or the name.
   * `absolute`: it is asked for the `http://` URL itself. Many let no tunnel to port 80 through.
   */
  through?: { proxy: UpstreamProxy; authority: string; absolute: boolean };
}

/** Terminates TLS for the hosts of a session's secrets, and adds the secrets to requests. */
export interface Interceptor {
  /** @param host canonical, as in `EgressTarget` */
  intercepts(host: string, port: number): boolean;
  /**
   * Takes over a CONNECT that was allowed and answered with 200. `socket` carries the client's raw bytes from the first one
   * (its TLS ClientHello). The interceptor must end it; the proxy destroys it when the proxy closes. Dial with `dialTarget`
   * of dial.ts.
   */
  serve(socket: Socket, target: EgressTarget): void;
  /**
   * Rewrites the headers of a plain `http://` request before it is forwarded.
   * @param rawHeaders name, value, name, value …; without hop-by-hop headers, and with the target's `Host`
   */
  rewrite?(rawHeaders: readonly string[], target: EgressTarget): string[];
}
