import { expect, test } from 'vitest';
import { parseRule } from '../../../../../runner/egress/policy/rule.ts';
import { imageKey, type ImageInputs } from '../../../../../runner/session/environment/image-key.ts';

const rules = (...texts: string[]) => texts.flatMap((text) => parseRule(text) ?? []);
const INPUTS: ImageInputs = {
  runnerId: 'a-runner',
  base: 'sha256:1',
  foreign: undefined,
  environment: { owner: 'alice', setup: 'apt-get install jq', env: { A: '1', B: '2' }, secrets: ['x', 'y'] },
  plan: { policy: { session: rules('a.test', 'b.test'), ceiling: rules('*'), private: [] }, packageEnv: {} },
};
const { environment, plan } = INPUTS;

test('equal environments have one image, in whatever order they name things', () => {
  const other = {
    ...INPUTS,
    environment: { ...environment, env: { B: '2', A: '1' }, secrets: ['y', 'x'] },
    plan: { ...plan, policy: { ...plan.policy, session: rules('b.test', 'a.test') } },
  };
  expect(imageKey(other)).toBe(imageKey(INPUTS));
});

test.each<[string, ImageInputs]>([
  ['another runner', { ...INPUTS, runnerId: 'b-runner' }],
  ['another session image', { ...INPUTS, base: 'sha256:2' }],
  ['an image of its own', { ...INPUTS, foreign: 'sha256:3' }],
  ['another owner', { ...INPUTS, environment: { ...environment, owner: 'bob' } }],
  ['the operator as the owner', { ...INPUTS, environment: { ...environment, owner: 'shared' } }],
  ['another script', { ...INPUTS, environment: { ...environment, setup: 'apt-get install jq ' } }],
  ['no script', { ...INPUTS, environment: { ...environment, setup: undefined } }],
  ['another variable', { ...INPUTS, environment: { ...environment, env: { A: '1', B: '3' } } }],
  ['fewer secrets', { ...INPUTS, environment: { ...environment, secrets: ['x'] } }],
  ['another network', { ...INPUTS, plan: { ...plan, policy: { ...plan.policy, session: rules('a.test') } } }],
  ['another ceiling', { ...INPUTS, plan: { ...plan, policy: { ...plan.policy, ceiling: rules('a.test') } } }],
  ['another registry', { ...INPUTS, plan: { ...plan, packageEnv: { PIP_INDEX_URL: 'https://pip.test' } } }],
])('with %s it is another image', (_, inputs) => {
  expect(imageKey(inputs)).not.toBe(imageKey(INPUTS));
});
