/** A duration, milliseconds, as people read it. */
export const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
