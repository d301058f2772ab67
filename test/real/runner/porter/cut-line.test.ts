import { mkdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { MAX_UNANSWERED } from '../../../../runner/link/relay/liveness.ts';
import { Relay } from '../../../../runner/link/relay/relay.ts';
import { sessionFolders } from '../../../../runner/lib/session-folders.ts';
import { SessionLink } from '../../../../wrapper/link/session-link.ts';
import { Changes } from '../../../support/changes.ts';
import { close, listen } from '../../../support/net/listen.ts';
import { openDoor, porterEnvironment, startPorter } from '../../../support/porter/running-porter.ts';
import { FakeEdge } from '../../../support/runner/fake-edge.ts';
import { sessionId } from '../../../support/runner/running-runner.ts';
import { scratch } from '../../../support/scratch.ts';
import { until } from '../../../support/until.ts';

const KEY = { session_id: sessionId(1), epoch: 1 };
/** A wrapper that could be heard would be given up after so many pings. */
const PATIENCE = MAX_UNANSWERED + 1;

/** A network between a porter and its runner that can be cut: then nobody gets through. */
async function openNetwork(to: string) {
  const open = new Set<net.Socket>();
  let isCut = false;
  let refused = 0;
  const server = net.createServer((socket) => {
    if (isCut) {
      refused += 1;
      socket.destroy();
      return;
    }
    const [host, port] = to.split(':');
    const other = net.connect({ host, port: Number(port) });
    for (const end of [socket, other]) {
      open.add(end);
      end.on('error', () => {});
      end.once('close', () => (open.delete(end), socket.destroy(), other.destroy()));
    }
    socket.pipe(other).pipe(socket);
  });
  const port = await listen(server, '127.0.0.1');
  const cut = (): void => {
    isCut = true;
    for (const end of open) end.destroy();
  };
  onTestFinished(async () => {
    cut();
    await close(server);
  });
  return { address: `127.0.0.1:${port}`, cut, mend: () => (isCut = false), refused: () => refused };
}

/**
 * A session in a task: its wrapper's own link, its porter, and the runner's relay.
 *
 * @param pingMs between two looks at whether the wrapper lives
 * @param mostCut so many of them may be while the line is down
 */
async function setUp(pingMs: number, mostCut: number) {
  const folder = scratch();
  const { door, log } = await openDoor(folder);
  const network = await openNetwork(door.address);
  const edge = await FakeEdge.start();
  onTestFinished(() => edge.close());
  const folders = sessionFolders(folder, KEY.session_id);
  mkdirSync(folders.run, { recursive: true });
  const { token } = await door.expect(KEY, folders);
  const run = path.join(folder, 'task');
  const porter = startPorter(run, porterEnvironment(run, { address: network.address, ca: door.ca }, token));
  await porter.ready();
  const givenUp: string[] = [];
  const changes = new Changes();
  const relay = await Relay.open({
    linkPath: path.join(folders.run, 'link.sock'),
    epoch: KEY.epoch,
    url: `${edge.url}/api/v1/runner/sessions/${KEY.session_id}/data`,
    token: 'token',
    fresh: true,
    log,
    pingMs,
    line: { isUp: () => door.isHere(KEY), lostAfterMs: mostCut * pingMs },
    onRefused: () => {},
    onUnresponsive: (why) => {
      givenUp.push(why);
      changes.notify();
    },
  });
  onTestFinished(() => relay.close());
  const link = new SessionLink(path.join(run, 'link.sock'), KEY.epoch, {
    run: async () => true,
    go: () => {},
    stored: () => {},
  });
  link.open();
  onTestFinished(() => link.close());
  const said = edge.session(KEY.session_id);
  const hears = async (line: string) => {
    link.send(line);
    await edge.line(KEY.session_id, (item) => item === line);
  };
  return { door, network, link, hears, said, givenUp, changes };
}

test('a task outlives a break of its line that is longer than a wrapper may be silent, and nothing is lost or twice', async () => {
  const { network, link, hears, said, givenUp } = await setUp(1_000, 1_000);
  await hears('before');
  network.cut();
  link.send('meanwhile');
  const cut = performance.now();
  // The porter has tried in vain. The wrapper itself comes back within two seconds.
  await until(() => expect(performance.now() - cut).toBeGreaterThan((PATIENCE + 1) * 1_000));
  await until(() => expect(network.refused()).toBeGreaterThan(2));
  network.mend();
  await hears('after');
  expect(said.items).toEqual(['before', 'meanwhile', 'after']);
  expect(givenUp).toEqual([]);
});

test('a wrapper that is gone from a task whose line is up is given up as on the runner’s own machine', async () => {
  const { link, hears, givenUp, changes } = await setUp(20, 1_000);
  await hears('here');
  link.close();
  await changes.until(() => givenUp.length > 0);
  expect(givenUp).toEqual(['unresponsive']);
});

test('a task that stays out of reach is given up after its time, and not before', async () => {
  const { network, hears, givenUp, changes } = await setUp(20, 5 * PATIENCE);
  await hears('here');
  network.cut();
  const cut = performance.now();
  await changes.until(() => givenUp.length > 0);
  expect(givenUp).toEqual(['cut_off']);
  expect(performance.now() - cut).toBeGreaterThan(4 * PATIENCE * 20);
});
