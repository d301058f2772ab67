import { Service, type ServiceOptions } from './e2e/service.ts';
import type { Client } from './e2e/client.ts';
import { scriptedModel, type Block, type Script } from './wrapper/scripted-model.ts';

/** A service on this machine, without containers: with the real `claude`, and a model that follows a script. */
export interface TurnsScene extends AsyncDisposable {
  readonly service: Service;
  readonly alice: Client;
}

export async function turnsScene(script: Script, options: Partial<ServiceOptions> = {}): Promise<TurnsScene> {
  const model = await scriptedModel(undefined, script);
  const service = await Service.start({
    backend: 'process',
    ...options,
    runnerEnv: { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: 'sk-ant-of-no-use', ...options.runnerEnv },
  });
  return {
    service,
    alice: await service.client('alice'),
    async [Symbol.asyncDispose]() {
      await service.stop();
      await model[Symbol.asyncDispose]();
    },
  };
}

/** The words of the model, after a while. */
export async function* after(ms: number, text: string): AsyncGenerator<string> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
  yield text;
}

export const says = (text: string): Block[] => [{ words: [text] }];
export const bash = (command: string, more: object = {}): Block[] => [{ tool: 'Bash', input: { command, ...more } }];
export const agent = (prompt: string): Block[] => [
  { tool: 'Agent', input: { description: prompt, prompt, subagent_type: 'general-purpose' } },
];

/** Answers by the first of these words that is in what was said last. */
export function byWord(table: Readonly<Record<string, () => Block[]>>): Script {
  return (latest) => {
    const found = Object.entries(table).find(([word]) => latest.includes(word));
    return found === undefined ? says('nothing to say') : found[1]();
  };
}
