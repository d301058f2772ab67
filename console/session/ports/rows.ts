import type { PortList, SharedPort } from '../../../client/main.ts';

/** A port that is shared, that something listens on, or both. */
export interface PortRow {
  readonly port: number;
  /** Null: it is not shared. */
  readonly share: SharedPort | null;
  readonly isListening: boolean;
  /** Of what listens; null: nothing does, or it is not known. */
  readonly process: string | null;
}

/** All ports, by number. */
export function portRows({ data, listening }: PortList): PortRow[] {
  const numbers = new Set([...data, ...listening].map(({ port }) => port));
  return [...numbers]
    .sort((a, b) => a - b)
    .map((port) => {
      const share = data.find((shared) => shared.port === port) ?? null;
      const listener = listening.find((one) => one.port === port);
      return {
        port,
        share,
        isListening: listener !== undefined || share?.listening === true,
        process: listener?.process ?? null,
      };
    });
}

/** A port as somebody has typed it; null: it is none. */
export function portOf(typed: string): number | null {
  const port = /^\d{1,5}$/.test(typed.trim()) ? Number(typed) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
}
