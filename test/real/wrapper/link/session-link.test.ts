import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { WrapperCommand } from '../../../../protocol/link/wrapper/wrapper-link.ts';
import { FRAME_MS } from '../../../../wrapper/link/rush.ts';
import { SessionLink } from '../../../../wrapper/link/session-link.ts';
import { Changes } from '../../../support/changes.ts';
import { casesFor } from '../../../support/link/cases.ts';
import type { ContainerEnd } from '../../../support/link/ends.ts';
import { isPreview } from '../../../support/link/on-the-wire.ts';
import { play } from '../../../support/link/play.ts';
import type { Wire } from '../../../support/link/wire.ts';
import { acceptOne, wireOf } from '../../../support/link/socket-wires.ts';
import { StoppedClock } from '../../../support/link/stopped-clock.ts';
import { scratch } from '../../../support/scratch.ts';

const never = () => Promise.reject(new Error('no case has this for a wrapper'));

/** A link that the session has welcomed. */
async function welcomed(stored = () => {}, clock?: StoppedClock): Promise<{ link: SessionLink; wire: Wire }> {
  const socket = path.join(scratch(), 'link.sock');
  const link = new SessionLink(socket, 1, { run: async () => true, go: () => {}, stored }, clock);
  onTestFinished(() => link.close());
  link.open();
  const wire = wireOf(await acceptOne(socket));
  await wire.next();
  wire.send('{"kind":"welcome","stored":0}');
  return { link, wire };
}

test('what may wait is sent in one frame with the next line that may not', async () => {
  const { link, wire } = await welcomed();
  link.gather('"init"');
  link.gather('"status"');
  link.send('"result"');
  expect(JSON.parse((await wire.next()) ?? 'null')).toEqual({
    kind: 'items',
    first: 1,
    items: ['"init"', '"status"', '"result"'],
  });
});

test('what may wait is sent without a next line too', async () => {
  const { link, wire } = await welcomed();
  link.gather('"init"');
  expect(JSON.parse((await wire.next()) ?? 'null')).toEqual({ kind: 'items', first: 1, items: ['"init"'] });
  // And again: the first wait does not use up the later ones.
  link.gather('"status"');
  expect(JSON.parse((await wire.next()) ?? 'null')).toEqual({ kind: 'items', first: 2, items: ['"status"'] });
});

test('in a rush lines and previews wait for the frame’s end or a line that may not wait, and not for an acknowledgement', async () => {
  const clock = new StoppedClock();
  const changes = new Changes();
  let said = 0;
  const heard = () => {
    said += 1;
    changes.notify();
  };
  const { link, wire } = await welcomed(heard, clock);
  const next = async (): Promise<unknown> => JSON.parse((await wire.next()) ?? 'null');
  await changes.until(() => said === 1);
  link.join('"first"');
  expect(await next()).toEqual({ kind: 'items', first: 1, items: ['"first"'] });
  link.join('"second"');
  link.preview('"shown"');
  wire.send('{"kind":"ack","stored":1}');
  await changes.until(() => said === 2);
  link.join('"third"');
  link.send('"result"');
  expect(await next()).toEqual({ kind: 'items', first: 2, items: ['"second"'] });
  expect(await next()).toEqual({ kind: 'preview', line: '"shown"' });
  expect(await next()).toEqual({ kind: 'items', first: 3, items: ['"third"', '"result"'] });
  link.join('"fourth"');
  link.join('"fifth"');
  clock.goOn(FRAME_MS);
  expect(await next()).toEqual({ kind: 'items', first: 5, items: ['"fourth"', '"fifth"'] });
});

/** A wrapper's link, with commands that wait until the case hands them on. */
function wrapperEnd(): ContainerEnd {
  const changes = new Changes();
  const socket = path.join(scratch(), 'link.sock');
  const given: WrapperCommand[] = [];
  const handedOn: (() => void)[] = [];
  let goes = 0;
  const link = new SessionLink(socket, 1, {
    run: async (command) => {
      given.push(command);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      handedOn.push(() => resolve(true));
      changes.notify();
      return await promise;
    },
    go: () => {
      goes += 1;
      changes.notify();
    },
    stored: () => {},
  });
  onTestFinished(() => link.close());
  link.startCommands();
  link.open();
  return {
    name: 'wrapper',
    side: 'container',
    given,
    connect: async () => wireOf(await acceptOne(socket)),
    says: async (lines) => {
      for (const line of lines) {
        if (isPreview(line)) link.preview(line.preview);
        else link.send(line);
      }
    },
    handOn: async (number) => {
      (await changes.until(() => handedOn[number - 1]))();
      // It is reported in a later turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
    },
    wentOn: async () => void (await changes.until(() => goes > 0)),
    notices: never,
    gaveUp: never,
  };
}

test.each(casesFor('wrapper'))('$name', async (one) => {
  await play(one, wrapperEnd());
});
