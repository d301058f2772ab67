/** Prompts that tell the demo model what to do (docs/demo-model.md). */
function scripted(words: string, steps: readonly object[]): string {
  return `${words}\n\`\`\`demo\n${JSON.stringify(steps)}\n\`\`\``;
}

/** A turn of one model call that is answered at once. */
export const INSTANT = scripted('Say hello.', [{ text: 'Hello from the demo model.' }]);

/**
 * A turn in which lines leave `claude` as they do at work: words one at a time, and now and then a tool call with its
 * result. About 28 lines a step.
 */
export function talkative(steps: number): string {
  return scripted('Talk, and use your tools.', Array.from({ length: steps }, (_, index) => step(index)).flat());
}

function step(index: number): object[] {
  const words = { text: 'lorem ', repeat: 16, tokens_per_second: 60 };
  return [words, { tool: 'Bash', input: { command: `echo ${index}` } }];
}
