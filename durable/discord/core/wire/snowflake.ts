/** From when Discord counts time, epoch milliseconds; discord.com/developers/docs/reference#snowflakes. */
const EPOCH = 1_420_070_400_000;
/** After that long a message's edits have a limit of their own; somewhat less than Discord's hour. */
const OLD_MS = 55 * 60_000;

/** When the thing with that id was made, epoch milliseconds. */
export function madeAt(snowflake: string): number {
  return Number(BigInt(snowflake) >> 22n) + EPOCH;
}

/** The least id of what is made from then on, epoch milliseconds. */
export function snowflakeAt(time: number): string {
  return String(BigInt(Math.max(0, time - EPOCH)) << 22n);
}

/** Whether it is so old that it is not to be edited time and again. */
export function isOldMessage(snowflake: string, now: number): boolean {
  return now - madeAt(snowflake) > OLD_MS;
}
