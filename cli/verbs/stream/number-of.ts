import { Misused } from '../../lib/failure.ts';

/** Reads an option that is a whole number, not below 0. */
export function numberOf(option: string): (text: string) => number {
  return (text) => {
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw new Misused(`${option} must be a whole number`);
  };
}
