import type { Socket } from 'node:net';

/** Where an allowed connection goes: the canonical name, and the addresses that it resolved to and that were all judged. */
export interface EgressTarget {
  /** Lower case, no trailing dot; an IPv6 address without brackets. */
  host: string;
  port: number;
  /** The first of `addresses`. Nothing else may be dialled: a name that is asked for again may answer differently. */
  address: string;
  addresses: readonly string[];
}

/** Ends TLS on the way for the hosts of a session's secrets, and puts them in. */
export interface Interceptor {
  /** @param host canonical, as in `EgressTarget` */
  intercepts(host: string, port: number): boolean;
  /**
   * Takes over a CONNECT that was allowed and answered with 200. `socket` carries the client's raw bytes from the first one on (its
   * TLS ClientHello); it is the interceptor's to end, and is destroyed from outside when the session's proxy closes.
   * Dial with `dialPinned` of dial.ts.
   */
  serve(socket: Socket, target: EgressTarget): void;
  /**
   * The headers of a plain `http://` request on its way out.
   * @param rawHeaders name, value, name, value …, without hop-by-hop ones, `Host` already the target's
   */
  rewrite?(rawHeaders: readonly string[], target: EgressTarget): string[];
}
