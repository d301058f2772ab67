import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { NEW_FILES, NO_EGRESS, sessionId } from '../runner/running-runner.ts';
import { grants } from '../runner/egress-fixture.ts';
import { close, listen } from '../net/listen.ts';
import { newKey, setUp, type BackendUnderTest } from './backend-under-test.ts';
import { PROMISES } from './promises.ts';

/** What leads into a container and out of it: files, the model, the network. */
export function waysContract(backend: BackendUnderTest): void {
  const { sealed } = PROMISES[backend.name];

  test('what a container wrote is there for people and for the next container', async () => {
    const { edge, begin, ask, reasonOf } = await setUp(backend);
    const key = newKey();
    const read = async (transfer: string) => {
      const request = {
        op: 'read',
        path: 'a',
        range: null,
        recursive: false,
        limit: 10,
        cursor: null,
        head_only: false,
      } as const;
      const files = { ...NEW_FILES, version: 2 };
      edge.order({ kind: 'transfer', session_id: key.session_id, files, transfer_id: transfer, request });
      const reading = await edge.changes.until(() => edge.transfers.get(transfer));
      await edge.changes.until(() => reading.frames.some(({ kind }) => kind === 'end'));
      return Buffer.concat(reading.bytes).toString();
    };
    await begin(key);
    await ask(key, 'write a one', /^wrote a$/);
    expect(await read(sessionId(50))).toBe('one');
    edge.order({ kind: 'stop', ...key });
    await reasonOf(key);
    expect(await read(sessionId(51))).toBe('one');
    edge.sessions.delete(key.session_id);
    await begin({ ...key, epoch: 2 });
    expect(await ask(key, 'sh cat a; echo two > a', /^sh: /)).toBe('sh: one');
    expect(await read(sessionId(52))).toBe('two\n');
  });

  test('a container’s calls reach the model', async () => {
    const { begin, ask } = await setUp(backend);
    const key = newKey();
    await begin(key);
    expect(await ask(key, 'model', /^model: /)).toBe('model: 200');
  });

  test(
    sealed
      ? 'the egress proxy is the one way to other machines, and it goes where the session may go'
      : 'a container without a seal reaches what its machine reaches, and has no egress proxy',
    async () => {
      const server = createServer((socket) => socket.end());
      const port = await listen(server, '0.0.0.0');
      onTestFinished(() => close(server));
      const own = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
      const hosts = own.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
      const fallback = { allow: [`127.0.0.1:${port}`], presets: [] };
      const egress = { rules: { ...NO_EGRESS.rules, fallback, private: grants('127.0.0.1') } };
      const { begin, ask, edge } = await setUp(backend, { egress });
      const key = newKey();
      await begin(key);
      // One after the other: none of them is hidden behind another's answer.
      for (const host of hosts)
        expect(await ask(key, `reach ${host} ${port}`, new RegExp(`^reach ${host}:`))).toBe(
          `reach ${host}:${port}: ${sealed ? 'no' : 'yes'}`,
        );
      const tunnel = async (target: string) => await ask(key, `tunnel ${target}`, new RegExp(`^tunnel ${target}: `));
      expect(await tunnel(`127.0.0.1:${port}`)).toBe(`tunnel 127.0.0.1:${port}: ${sealed ? '200' : 'no proxy'}`);
      expect(await tunnel('127.0.0.2:81')).toBe(`tunnel 127.0.0.2:81: ${sealed ? '403' : 'no proxy'}`);
      if (sealed)
        await edge.changes.until(() =>
          edge.session(key.session_id).notices.some((one) => JSON.stringify(one).includes('127.0.0.2')),
        );
    },
  );
}
