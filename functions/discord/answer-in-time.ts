import { INTERACTION, type DiscordPersonal } from '../../protocol/api/discord.ts';

/** Discord waits 3 seconds, and the way to it takes some of them. Milliseconds. */
const PATIENCE_MS = 2500;
const LATE =
  'That takes longer than Discord waits. It may be done nevertheless: look with `/claude list`, or try again.';

/** The desk's answer, or a substitute if the desk fails or does not answer in time. */
export async function answerInTime(answer: Promise<object>, interaction: DiscordPersonal): Promise<object> {
  const { promise: late, resolve } = Promise.withResolvers<object>();
  const timer = setTimeout(() => resolve(lateAnswer(interaction)), PATIENCE_MS);
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    console.error(`discord: an interaction could not be dealt with: ${String(error)}`);
    return lateAnswer(interaction);
  } finally {
    clearTimeout(timer);
  }
}

function lateAnswer({ type }: DiscordPersonal): object {
  // Empty choices, or a message that only the person sees.
  if (type === INTERACTION.autocomplete) return { type: 8, data: { choices: [] } };
  return { type: 4, data: { content: LATE, flags: 64, allowed_mentions: { parse: [] } } };
}
