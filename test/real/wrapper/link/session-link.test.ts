import path from 'node:path';
import { onTestFinished, test } from 'vitest';
import type { WrapperCommand } from '../../../../protocol/link/wrapper-link.ts';
import { SessionLink } from '../../../../wrapper/link/session-link.ts';
import { Changes } from '../../../support/changes.ts';
import { casesFor } from '../../../support/link/cases.ts';
import type { ContainerEnd } from '../../../support/link/ends.ts';
import { isPreview } from '../../../support/link/on-the-wire.ts';
import { play } from '../../../support/link/play.ts';
import { acceptOne, wireOf } from '../../../support/link/socket-wires.ts';
import { scratch } from '../../../support/scratch.ts';

const never = () => Promise.reject(new Error('no case has this for a wrapper'));

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
