import { env } from 'cloudflare:test';
import { expect, it, vi } from 'vitest';
import { gateStub, sessionStub } from '../../../durable/rpc/edge-env.ts';

it('an object’s answer is released as soon as it is there, and says what it said', async () => {
  const { GATE } = env;
  const one = await GATE.get(GATE.idFromName('service')).take('released', 60, 1);
  // The one that workerd puts on an answer.
  const [dispose = Symbol('none')] = Object.getOwnPropertySymbols(one);
  const released = vi.fn<() => void>();
  const answer = { granted: 1, remaining: 9, resetMs: 0, [dispose]: released };
  const seen = { idFromName: () => '', get: () => ({ take: () => Promise.resolve(answer) }) };
  expect(await gateStub({ GATE: seen as unknown as typeof GATE }).take('released', 60, 1)).toBe(answer);
  expect(released).toHaveBeenCalledOnce();
  expect(await gateStub(env).take('released', 60, 1)).toMatchObject({ granted: 1 });
});

it('what is no object is passed on, and a request of HTTP too', async () => {
  expect(await gateStub(env).isRevoked({ jti: 'none', sub: 'nobody', issued: null })).toBe(false);
  const session = sessionStub(env, crypto.randomUUID());
  const answer = await session.fetch('https://session/artifact?owner=nobody&id=1');
  expect(await answer.json()).toMatchObject({ refused: 'session_not_found' });
});
