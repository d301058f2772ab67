import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CcDocker, type CcDockerError } from '../../../client/main.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';
import { close, listen } from '../../support/net/listen.ts';

const STOP = new Error('enough');

describe('after a collection of garbage', () => {
  let server: Server;
  let url: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      // Any other call is never answered.
      if (!request.url?.includes('/events')) return;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"seq":1,"time":"2026-11-30T12:00:00.000Z","type":"system","data":{}}\n\n');
    });
    url = `http://127.0.0.1:${await listen(server, '127.0.0.1')}`;
  });
  afterAll(() => close(server));

  it('a stream that says nothing more ends by its signal', async () => {
    const leave = new AbortController();
    const events = new CcDocker({ url, token: 't' }).session('s').events({ transport: 'sse', signal: leave.signal });
    await events.next();
    const next = events.next();
    await collectGarbage();
    leave.abort(STOP);
    await expect(next).rejects.toBe(STOP);
  });

  it('a stream that says nothing more is opened again', async () => {
    const leave = new AbortController();
    const again = Promise.withResolvers<CcDockerError>();
    const cc = new CcDocker({ url, token: 't', silenceMs: 500 });
    const onReconnect = ({ error }: { error: CcDockerError }) => again.resolve(error);
    const events = cc.session('s').events({ transport: 'sse', signal: leave.signal, onReconnect });
    await events.next();
    const next = events.next();
    await collectGarbage();
    expect((await again.promise).detail).toBe('Nothing came for 0.5 s.');
    leave.abort(STOP);
    await expect(next).rejects.toBe(STOP);
  });

  it('a call that is not answered ends by its signal', async () => {
    const leave = new AbortController();
    const shown = new CcDocker({ url, token: 't' }).session('s').show({ signal: leave.signal });
    await collectGarbage();
    leave.abort(STOP);
    await expect(shown).rejects.toBe(STOP);
  });
});
