import type { TUNNEL_REFUSALS } from '../../../protocol/link/tunnel/frames.ts';

/** Why there is no stream. A container's terminals have codes of their own besides. */
export interface TunnelRefusal {
  readonly refused: (typeof TUNNEL_REFUSALS)[number] | (string & {});
  /** For people. */
  readonly detail: string;
}

export const BROKEN: TunnelRefusal = {
  refused: 'tunnel_broken',
  detail: 'The connection to the session’s runner broke. Try again.',
};

/** Nobody reads this. */
export const GONE: TunnelRefusal = {
  refused: 'client_gone',
  detail: 'The client went away before its answer was there.',
};
