import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { describe, onTestFinished, test } from 'vitest';
import type { WrapperCommand } from '../../../../../protocol/link/wrapper/wrapper-link.ts';
import { Relay, type RelayOptions } from '../../../../../runner/link/relay/relay.ts';
import { Changes } from '../../../../support/changes.ts';
import { casesFor } from '../../../../support/link/cases.ts';
import type { ContainerEnd, SessionEnd } from '../../../../support/link/ends.ts';
import { noticeOf, wordsOf } from '../../../../support/link/on-the-wire.ts';
import { play } from '../../../../support/link/play.ts';
import { DataSocketServer } from '../../../../support/link/data-socket-server.ts';
import { wireOf } from '../../../../support/link/socket-wires.ts';
import { WrapperPeer } from '../../../../support/link/wrapper-peer.ts';
import { keptLog } from '../../../../support/quiet-log.ts';
import { FakeEdge } from '../../../../support/runner/fake-edge.ts';
import { scratch } from '../../../../support/scratch.ts';

const ID = '0190a0a0-0000-7000-8000-000000000001';
const never = () => Promise.reject(new Error('no case has this for this side of the relay'));

type Differing = 'fresh' | 'linkPath' | 'onRefused' | 'onModelPaused';

async function openRelay(url: string, options: Pick<RelayOptions, Differing>): Promise<Relay> {
  const relay = await Relay.open({
    epoch: 1,
    url: `${url}/api/v1/runner/sessions/${ID}/data`,
    token: 'token',
    log: keptLog().log,
    backoff: { minMs: 1, maxMs: 20 },
    // No case is about time.
    pingMs: 2 ** 30,
    ...options,
  });
  onTestFinished(() => relay.close());
  return relay;
}

/** A relay as its session sees it, with a correct wrapper behind it. */
async function asContainer(): Promise<ContainerEnd> {
  const server = await DataSocketServer.open();
  onTestFinished(() => server[Symbol.asyncDispose]());
  const changes = new Changes();
  let refused = false;
  const linkPath = path.join(scratch(), 'link.sock');
  const relay = await openRelay(server.url, {
    fresh: true,
    linkPath,
    onRefused: () => {
      refused = true;
      changes.notify();
    },
  });
  const wrapper = await WrapperPeer.connect(linkPath);
  return {
    name: 'relay as container',
    side: 'container',
    given: wrapper.commands,
    connect: () => server.accept(),
    says: (lines) => wrapper.say(lines),
    handOn: (number) => wrapper.take(number),
    notices: async (word) => relay.notify([noticeOf(word)]),
    wentOn: never,
    gaveUp: async () => void (await changes.until(() => refused)),
  };
}

/** A relay as its wrapper sees it, with a correct session behind it. */
async function asSession(): Promise<SessionEnd> {
  const edge = await FakeEdge.start();
  onTestFinished(() => edge.close());
  const session = edge.session(ID);
  const changes = new Changes();
  let isLive = false;
  const linkPath = path.join(scratch(), 'link.sock');
  const options = {
    linkPath,
    onRefused: () => {},
    onModelPaused: () => {
      isLive = true;
      changes.notify();
    },
  };
  let relay = await openRelay(edge.url, { ...options, fresh: true });
  const connect = async () => {
    const socket = net.connect(linkPath);
    await once(socket, 'connect');
    return wireOf(socket);
  };
  // A relay greets its session when a wrapper has greeted it. Previews go through it only once the session has answered.
  const early = await connect();
  early.send(JSON.stringify({ kind: 'hello', epoch: 1, taken: 0 }));
  await edge.changes.until(() => session.hellos.length > 0);
  session.socket?.send(JSON.stringify({ kind: 'model', held: false }));
  await changes.until(() => isLive);
  // Only now that it has ended is the next one taken.
  early.close(0);
  return {
    name: 'relay as session',
    side: 'session',
    connect,
    orders: async (command) => {
      const message_id = '0190a0a0-0000-7000-8000-00000000000b';
      const prompt = `prompt ${session.commands.length + 1}`;
      const ordered: WrapperCommand = command === 'prompt' ? { command, message_id, prompt } : { command, message_id };
      edge.command(ID, ordered);
      return ordered;
    },
    letsGo: async () => relay.go(),
    nextEpoch: never,
    restart: async () => {
      await relay.close();
      relay = await openRelay(edge.url, { ...options, fresh: false });
    },
    stored: async () => wordsOf(session.items),
    storedNotices: async () => [],
    shown: async () => wordsOf(session.shown),
  };
}

describe('towards the session', () => {
  test.each(casesFor('relay as container'))('$name', async (one) => {
    await play(one, await asContainer());
  });
});

describe('towards the wrapper', () => {
  test.each(casesFor('relay as session'))('$name', async (one) => {
    await play(one, await asSession());
  });
});
