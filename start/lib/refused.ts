/** Why a command cannot continue: one line for the terminal, which also says what to do. */
export interface Refused {
  readonly refused: string;
}

/** Whether a value is a refusal instead of a result. */
export function isRefused(value: object): value is Refused {
  return 'refused' in value;
}
