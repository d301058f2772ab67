/** Discord counts time from here, epoch milliseconds; discord.com/developers/docs/reference#snowflakes. */
const DISCORD_EPOCH = 1_420_070_400_000;
/** Edits of messages older than this have a rate limit of their own, milliseconds: a little less than Discord's hour. */
const OLD_MS = 55 * 60_000;

/** When the object with this id was created, epoch milliseconds. */
export function createdAt(snowflake: string): number {
  return Number(BigInt(snowflake) >> 22n) + DISCORD_EPOCH;
}

/** The lowest id of anything created from then on, epoch milliseconds. */
export function firstSnowflakeAt(time: number): string {
  return String(BigInt(Math.max(0, time - DISCORD_EPOCH)) << 22n);
}

/** Whether a message is too old to be edited often. */
export function isOldMessage(snowflake: string, now: number): boolean {
  return now - createdAt(snowflake) > OLD_MS;
}
