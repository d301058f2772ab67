import { expect, test } from 'vitest';
import { endReason, type EndFacts } from '../../../../../runner/session/container/end-reason.ts';

const resources = { memory_mb: 512, cpus: 1, pids: 256, workspace_mb: 100, workspace_files: 1000 };
const killed = { code: 137, signal: null, outOfMemory: false, log: '' };
const reason = (facts: Partial<EndFacts>) =>
  endReason({ exit: killed, stopCause: undefined, refused: undefined, resources, ...facts });

test.each([
  ['which is full of processes', { processes: 256 }, 'out_of_pids', 'its limit of 256 processes'],
  ['which is nearly full of them, for some have just died', { processes: 240 }, 'out_of_pids', 'SESSION_PIDS'],
  ['which has few', { processes: 40 }, 'claude_unresponsive', 'did not answer for 10 s'],
  ['whose processes nobody counted', {}, 'claude_unresponsive', 'did not answer for 10 s'],
  ['which has no limit of them', { processes: 5000, resources: null }, 'claude_unresponsive', 'did not answer'],
  ['which ended by itself meanwhile', { processes: 40, exit: { ...killed, code: 1 } }, 'container_exited', 'code 1'],
] as const)('a container whose wrapper does not answer, %s', (_, facts, code, detail) => {
  expect(reason({ givenUp: 'unresponsive', ...facts })).toMatchObject({
    code,
    detail: expect.stringContaining(detail),
  });
});

test('a task that was out of reach for too long, however it ended then', () => {
  for (const exit of [killed, { ...killed, code: 0 }, { ...killed, code: 143, engine: 'The task was stopped.' }])
    expect(reason({ exit, givenUp: 'cut_off', lostAfterMs: 300_000 })).toMatchObject({
      code: 'runner_lost',
      detail: expect.stringMatching(/for 300 s \(PORTER_LOST_AFTER\)/),
    });
});

test('what the owner or the operator did comes before what the container did', () => {
  expect(reason({ stopCause: 'stopped_by_user', givenUp: 'unresponsive', processes: 256 }).code).toBe(
    'stopped_by_user',
  );
});
