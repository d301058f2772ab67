/** A prompt that tells the demo model what to do (docs/demo-model.md). */
function scripted(words: string, steps: readonly object[]): string {
  return `${words}\n\`\`\`demo\n${JSON.stringify(steps)}\n\`\`\``;
}

/** A turn of one model call, which the model answers at once. */
export const INSTANT = scripted('Say hello.', [{ text: 'Hello from the demo model.' }]);

/**
 * A turn like real work: `claude` writes words one at a time, and after them a tool call with its result. About 28
 * lines a step.
 */
export function talkative(steps: number): string {
  return scripted('Talk, and use your tools.', Array.from({ length: steps }, (_, index) => step(index)).flat());
}

function step(index: number): object[] {
  const words = { text: 'lorem ', repeat: 16, tokens_per_second: 60 };
  return [words, { tool: 'Bash', input: { command: `echo ${index}` } }];
}
