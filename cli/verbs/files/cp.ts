import { withService } from '../../context/connect.ts';
import { printJson, type Cli } from '../../lib/cli.ts';
import { verb } from '../../lib/verb.ts';
import { findSession } from '../../names/find-session.ts';
import { bytes } from '../../output/quantities.ts';
import { download } from './download.ts';
import { directionOf, placeOf } from './place.ts';
import { upload } from './upload.ts';

/** `cc-docker cp`. */
export function cp(cli: Cli) {
  return verb('cp', 'copy files between a session’s workspace and this machine, folders with all that is in them')
    .argument('<from>', 'SESSION:PATH, or a path here; `-`: stdin')
    .argument('<to>', 'SESSION:PATH, or a path here; `-`: stdout')
    .action(async (from, to, options) => {
      const direction = directionOf(placeOf(from), placeOf(to));
      await withService(cli, options, async ({ cc }) => {
        const { session: name } = direction.download ?? direction.upload;
        const session = cc.session(await findSession(cc, name));
        const copied =
          direction.download === undefined
            ? await upload(cli, session, direction.upload.from, direction.upload.path)
            : await download(cli, session, direction.download.path, direction.download.to);
        const toStdout = copied.path === '-';
        if (options.json === true && !toStdout) printJson(cli, copied);
        else cli.err.line(`${toStdout ? 'stdout' : copied.path}: ${bytes(copied.bytes)}`, 'dim');
      });
    });
}
