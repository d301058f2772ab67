import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { wrapperLaunch } from '../../../../protocol/link/wrapper/wrapper-launch.ts';
import { sessionFrame } from '../../../../protocol/link/wrapper/wrapper-link.ts';
import { LAUNCH_SHAPE } from '../../../../wrapper/shapes/launch-shape.ts';
import { isKnownCommand, readSessionFrame } from '../../../../wrapper/shapes/read-frame.ts';
import { shapeOf } from '../../../../wrapper/shapes/shape-of.ts';
import { problemWith } from '../../../../wrapper/shapes/shape.ts';

const ID = '0198b3c2-0000-7000-8000-000000000001';
const LAUNCH = {
  session_id: ID,
  epoch: 1,
  resume: false,
  claude: '/claude',
  cwd: '/workspace',
  env: { PATH: '/bin' },
  link_socket: '/run/link.sock',
  scratch: '/tmp',
  seal: true,
  git: { repositories: [{ repo: 'https://example.com/a.git', path: '.' }] },
  egress: { socket: '/run/proxy.sock', proxy_port: 3128, forwards: [{ address: '127.0.0.2', host: 'db', port: 5432 }] },
  config: { agent_tools: ['ask_user'], mcp_servers: { a: { command: 'a', args: ['b'] } }, max_turns: 3 },
};

describe('a launch.json, read by its shape', () => {
  test('gets the defaults that the schema gives', () => {
    const read = structuredClone(LAUNCH);
    expect(problemWith(read, LAUNCH_SHAPE, { exact: true })).toBeNull();
    expect(read).toEqual(wrapperLaunch.parse(LAUNCH));
  });

  test.each([
    [{ epoch: 0 }, 'epoch'],
    [{ epoch: 1.5 }, 'epoch'],
    [{ session_id: 'no uuid' }, 'session_id'],
    [{ seal: undefined }, 'seal'],
    [{ env: { PATH: 1 } }, 'env.PATH'],
    [{ git: { repo: 7 } }, 'git'],
    [{ egress: { ...LAUNCH.egress, proxy_port: 70_000 } }, 'egress.proxy_port'],
    [{ config: { ...LAUNCH.config, agent_tools: ['of_next_year'] } }, 'config.agent_tools'],
    [{ config: { ...LAUNCH.config, of_next_year: true } }, 'config'],
    [{ config: { ...LAUNCH.config, permission_mode: 'yolo' } }, 'config.permission_mode'],
    [{ config: null }, 'config'],
  ])('with %j is refused, as by the schema, and says where', (change, where) => {
    const launch = { ...structuredClone(LAUNCH), ...change };
    expect(wrapperLaunch.safeParse(launch).success).toBe(false);
    expect(problemWith(launch, LAUNCH_SHAPE, { exact: true })).toMatch(where);
  });
});

describe('a frame of the session, read by its shape', () => {
  const prompt = { command: 'prompt', message_id: ID, prompt: 'hello', content: [{ type: 'text', text: 'hello' }] };

  test.each([
    { kind: 'welcome', stored: 0, protocol: 2 },
    { kind: 'ack', stored: 1 },
    { kind: 'go' },
    { kind: 'ping', number: 1 },
    { kind: 'command', number: 1, command: prompt },
    { kind: 'command', number: 2, command: { command: 'interrupt', message_id: null } },
    {
      kind: 'command',
      number: 3,
      command: {
        command: 'resolve',
        interaction_id: ID,
        resolution: { kind: 'decision', decision: 'allow', message: null },
      },
    },
    {
      kind: 'command',
      number: 4,
      command: { command: 'tool_result', call_id: ID, text: '', is_error: false, structured: { a: 1 } },
    },
    { kind: 'command', number: 5, command: { command: 'of_next_year', more: 1 } },
  ])('%j is what the schema reads', (frame) => {
    expect(readSessionFrame(structuredClone(frame))).toMatchObject(sessionFrame.parse(frame));
  });

  test.each([
    { kind: 'ack', stored: 0 },
    { kind: 'welcome' },
    { kind: 'command', number: 0, command: prompt },
    { kind: 'command', number: 1 },
    { kind: 'command', number: 1, command: { command: 'prompt', message_id: 'no uuid', prompt: '' } },
    { kind: 'command', number: 1, command: { command: 'interrupt' } },
    { kind: 'command', number: 1, command: { ...prompt, content: [{ type: 'text' }] } },
    { stored: 1 },
    null,
  ])('%j is none', (frame) => {
    expect(sessionFrame.safeParse(frame).success).toBe(false);
    expect(readSessionFrame(frame)).toBeNull();
  });

  test('of another kind is passed over, and fields that are not known as well', () => {
    expect(readSessionFrame({ kind: 'of_next_year' })).toBe('unknown');
    expect(readSessionFrame({ kind: 'ack', stored: 1, more: 1 })).toMatchObject({ kind: 'ack', stored: 1 });
    expect(isKnownCommand({ command: 'of_next_year' })).toBe(false);
    expect(isKnownCommand({ command: 'prompt' })).toBe(true);
  });
});

describe('a shape of a schema', () => {
  test.each([
    ['multipleOf', z.object({ a: z.array(z.number().multipleOf(2)) })],
    ['prefixItems', z.tuple([z.string()])],
    ['exclusiveMaximum', z.union([z.number().lt(3), z.null()])],
  ])('that has a rule that no check reads is refused, not left out: %s', (_, schema) => {
    expect(() => shapeOf(schema)).toThrow(/a shape is not checked for/);
  });

  test('knows what a URL is', () => {
    const shape = shapeOf(z.object({ url: z.url() }));
    expect(problemWith({ url: 'https://example.com/mcp' }, shape, { exact: true })).toBeNull();
    expect(problemWith({ url: 'no url' }, shape, { exact: true })).toBe('url: must be a URL');
  });
});
