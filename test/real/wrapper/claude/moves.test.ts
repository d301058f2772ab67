import { randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Stage } from '../../../support/wrapper/run-wrapper.ts';

/** Remembers every code that it was ever told. */
const remember = (_: string, all: string) => [
  { words: [`codes: ${[...new Set(all.match(/code is \w+/g) ?? [])].join(', ')}`] },
];

/** A session that was told a code in one working directory, and its conversation as another host finds it. */
async function moved() {
  const stage = await Stage.open(remember);
  const env = { ...stage.claudeEnv(), CLAUDE_CONFIG_DIR: stage.path('claude') };
  const wrapper = await stage.start({ env });
  await stage.session.turn('the code is heron');
  wrapper.signal('SIGTERM');
  await wrapper.exit;
  const [project = ''] = readdirSync(stage.path('claude/projects'));
  mkdirSync(stage.path(`claude/projects/${project}/memory`), { recursive: true });
  writeFileSync(stage.path(`claude/projects/${project}/memory/MEMORY.md`), 'likes birds');
  cpSync(stage.path('claude'), stage.path('other.claude'), { recursive: true });
  mkdirSync(stage.path('other.work_space'));
  await stage.freshSession();
  return {
    stage,
    there: { cwd: stage.path('other.work_space'), env: { ...env, CLAUDE_CONFIG_DIR: stage.path('other.claude') } },
  };
}

test('a conversation goes on in another working directory, with its memory', async () => {
  const { stage, there } = await moved();
  await using _ = stage;
  await stage.start({ ...there, resume: true });
  const result = await stage.session.turn('the code is egret');
  expect(result).toMatchObject({ result: 'codes: code is heron, code is egret', session_id: stage.sessionId });
  // Claude Code has found the folder under the name that it would give it itself: it made no other.
  const [project = '', ...others] = readdirSync(stage.path('other.claude/projects'));
  expect(others).toEqual([]);
  expect(readFileSync(stage.path(`other.claude/projects/${project}/memory/MEMORY.md`), 'utf8')).toBe('likes birds');
});

test('a fork knows what was said before it, goes its own way, and is resumed as itself', async () => {
  const { stage, there } = await moved();
  await using _ = stage;
  const session_id = randomUUID();
  const fork = await stage.start({ ...there, session_id, fork_of: stage.sessionId });
  const result = await stage.session.turn('the code is stork');
  expect(result).toMatchObject({ result: 'codes: code is heron, code is stork', session_id });
  fork.signal('SIGTERM');
  await fork.exit;
  await stage.freshSession();
  await stage.start({ ...there, session_id, resume: true });
  expect(await stage.session.turn('recall')).toMatchObject({ result: 'codes: code is heron, code is stork' });
});
