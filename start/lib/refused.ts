/** Why a command cannot go on: one line for the terminal, which says what to do. */
export interface Refused {
  readonly refused: string;
}

/** Tells a refusal from what was asked for. */
export function isRefused(value: object): value is Refused {
  return 'refused' in value;
}
