/** What was looked at, how it is, and what mends it. */
export interface Finding {
  readonly what: string;
  /** `bad`: something does not work. `note`: it works, and the person may want to know. */
  readonly state: 'ok' | 'note' | 'bad';
  readonly detail: string;
  /** The command, or the step, that mends it. Empty: nothing is to be done. */
  readonly remedy: string;
}

export const ok = (what: string, detail: string): Finding => ({ what, state: 'ok', detail, remedy: '' });
export const note = (what: string, detail: string, remedy = ''): Finding => ({ what, state: 'note', detail, remedy });
export const bad = (what: string, detail: string, remedy: string): Finding => ({ what, state: 'bad', detail, remedy });
