import { beforeEach, test } from 'vitest';
import type { LinkCase } from '../../../support/link/case.ts';
import { casesFor } from '../../../support/link/cases.ts';
import type { SessionEnd } from '../../../support/link/ends.ts';
import { play } from '../../../support/link/play.ts';
import { Wire } from '../../../support/link/wire.ts';
import { dial, User } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeRunner } from '../../support/runner.ts';
import { sessionObject } from '../../support/scene.ts';
import type { Socket } from '../../support/socket.ts';
import { evict } from '../../support/setup/evict.ts';

beforeEach(emptyPool);

function wireOf(socket: Socket): Wire {
  const wire = new Wire(
    (text) => socket.send(text),
    () => socket.close(),
  );
  const read = async (): Promise<never> => {
    for (;;) wire.came(JSON.stringify(await socket.next()));
  };
  // It fails once the socket has closed and all of its frames are read.
  read().catch(async () => wire.ended((await socket.closed()).code));
  return wire;
}

/** A session with a launched container, which is the test. */
async function sessionEnd({ shown }: LinkCase): Promise<SessionEnd> {
  const user = new User();
  const runner = await FakeRunner.connect();
  const id = await user.createSession();
  const { epoch, token } = await runner.launch(id);
  const viewer = shown === undefined ? null : await user.open(id, '?after=0');
  return {
    name: 'session',
    side: 'session',
    connect: async () => wireOf(await dial(`/sessions/${id}/data`, token)),
    orders: async (command) => {
      if (command === 'prompt') {
        const { body } = await user.call('POST', `/sessions/${id}/chat`, { prompt: 'Hello' });
        return { command, message_id: body.message_id, prompt: 'Hello' };
      }
      const { body } = await user.call('POST', `/sessions/${id}/interrupt`);
      return { command, message_id: body.message_id };
    },
    letsGo: () => Promise.reject(new Error('only a runner can')),
    nextEpoch: async () => {
      const reason = { code: 'container_exited' as const, detail: 'it ended' };
      runner.send({ kind: 'ended', session_id: id, epoch, reason });
      await runner.control.next(({ kind }) => kind === 'ended_ack');
      await user.call('POST', `/sessions/${id}/chat`, { prompt: 'wake' });
      await runner.launch(id);
    },
    restart: () => evict(sessionObject(id)),
    stored: async () =>
      (await user.events(id)).filter(({ type }) => type === 'system').map(({ data }) => String(data['word'])),
    storedNotices: async () =>
      (await user.events(id)).filter(({ type }) => type === 'session.egress').map(({ data }) => String(data['host'])),
    shown: async (last) => {
      const events = (await viewer?.events(({ data }) => data?.word === last)) ?? [];
      return events.flatMap(({ data }) => (data?.word === undefined ? [] : [data.word]));
    },
  };
}

test.each(casesFor('session'))('$name', async (one) => {
  await play(one, await sessionEnd(one));
});
