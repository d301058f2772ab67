import { runDurableObjectAlarm } from 'cloudflare:test';
import { vi } from 'vitest';
import type { AskUserInput, Question } from '../../../../../protocol/api/session/interaction.ts';
import { User } from '../../../support/api.ts';
import { FakeRunner, type FakeContainer } from '../../../support/runner.ts';
import { sessionObject } from '../../../support/scene.ts';

export interface Scene {
  readonly user: User;
  readonly runner: FakeRunner;
  readonly id: string;
  readonly container: FakeContainer;
  readonly message_id: string;
}

/** A session in the middle of a turn. */
export async function working(
  config: object = {},
  chat: object = {},
  user = new User(),
  onRunner?: FakeRunner,
): Promise<Scene> {
  const runner = onRunner ?? (await FakeRunner.connect());
  const id = await user.createSession({ permission_mode: 'ask', ...config });
  const container = await runner.start(id);
  await user.call('POST', `/sessions/${id}/chat`, { prompt: 'work', ...chat });
  const { message_id } = await container.prompt();
  return { user, runner, id, container, message_id };
}

export const color: Question = {
  question: 'Which colour?',
  options: [{ label: 'red' }, { label: 'blue' }],
  multi_select: false,
  free_text: false,
};

/** Claude Code's own question. */
export async function askQuestion({ container }: Scene, ...questions: Question[]): Promise<string> {
  const interaction_id = crypto.randomUUID();
  const subject = { kind: 'question' as const, questions: questions.length === 0 ? [color] : questions };
  container.say({ notice: 'asked', interaction_id, tool_use_id: 'toolu_1', subject });
  await container.stored();
  return interaction_id;
}

export async function askLeave({ container }: Scene, can_allow_session = true): Promise<string> {
  const interaction_id = crypto.randomUUID();
  const input = { command: 'rm -r build' };
  const subject = { kind: 'permission' as const, tool_name: 'Bash', input, can_allow_session };
  container.say({ notice: 'asked', interaction_id, tool_use_id: 'toolu_2', subject });
  await container.stored();
  return interaction_id;
}

/** A call of the `ask_user` tool. */
export async function askUser({ container }: Scene, input: Partial<AskUserInput> = {}): Promise<string> {
  const call_id = crypto.randomUUID();
  container.say({
    notice: 'tool_call',
    call_id,
    call: { tool: 'ask_user', input: { question: 'Which port?', ...input } },
  });
  await container.stored();
  return call_id;
}

export const resolve = ({ user, id }: Scene, interaction: string, body: object) =>
  user.call('POST', `/sessions/${id}/interactions/${interaction}/resolve`, body);

export const view = async ({ user, id }: Scene, interaction: string) =>
  (await user.call('GET', `/sessions/${id}/interactions/${interaction}`)).body;

export const ofType = async ({ user, id }: Scene, type: string) =>
  (await user.events(id)).filter((event) => event.type === type).map(({ data }) => data);

/** Lets time pass, and the alarm come twice; the clock then stands until `vi.useRealTimers`. */
export async function later(id: string, seconds: number): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
  await runDurableObjectAlarm(sessionObject(id));
  await runDurableObjectAlarm(sessionObject(id));
}
